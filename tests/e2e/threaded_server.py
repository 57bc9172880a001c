"""A TCP server for upstreams that a test writes byte by byte."""
import socket
import threading


class ThreadedServer:
    """Listens on 127.0.0.1 at `port` and gives each connection to `serve`, which a subclass has, on a thread of its own. Start it when all that `serve` needs is there."""

    def __init__(self):
        self.connections: list[socket.socket] = []  # every one that was accepted
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=2048)
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.connections.append(connection)
            threading.Thread(target=self.serve, args=[connection], daemon=True).start()

    def close(self):
        self.socket.close()
        for connection in self.connections:
            connection.close()
