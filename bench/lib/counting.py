"""Rounds that count instead of time: system calls by strace, instructions by callgrind. Both slow the proxy down, so
nothing of them enters the timed rounds."""
import pathlib
import re
import signal
import subprocess
import time

from lib.process import family

STRACE_REQUESTS = 20000
CALLGRIND_REQUESTS = 4000
TOOL_SECONDS_MAX = 120


def system_calls_per_request(programs, drive) -> float:
    """Attaches strace to every process of the programs and calls drive(requests), which returns how many were answered."""
    pids = [process for program in programs for process in family(program.pid)]
    command = ["strace", "-f", "-c", "-U", "calls"]
    for pid in pids:
        command += ["-p", str(pid)]
    tracer = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        wait_traced(pids, tracer)
        answered = drive(STRACE_REQUESTS)
    finally:
        tracer.send_signal(signal.SIGINT)
        _, text = tracer.communicate(timeout=TOOL_SECONDS_MAX)
    # The table's last line is the sum over all calls.
    return int(re.findall(r"^\s*(\d+)", text, re.M)[-1]) / answered


def wait_traced(pids, tracer):
    deadline = time.monotonic() + TOOL_SECONDS_MAX
    while time.monotonic() < deadline and tracer.poll() is None:
        if all(is_traced_or_gone(pid) for pid in pids):
            return
        time.sleep(0.05)
    raise RuntimeError("strace did not attach")


def is_traced_or_gone(pid: int) -> bool:
    """nghttpx has children that fetch OCSP responses and end."""
    try:
        return "TracerPid:\t0\n" not in pathlib.Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return True


CALLGRIND = ["valgrind", "--tool=callgrind", "--callgrind-out-file=callgrind.%p", "-q"]


def instructions_per_request(programs, drive) -> float:
    """For programs started under CALLGRIND: what the requests after the first ones cost."""
    drive(CALLGRIND_REQUESTS // 4)
    control(programs, "-z")
    answered = drive(CALLGRIND_REQUESTS)
    control(programs, "-d")
    total = 0
    for program in programs:
        for pid in family(program.pid):
            for dump in program.output.parent.glob(f"callgrind.{pid}.*"):
                total += sum(int(word) for word in re.findall(r"^(?:totals|summary): (\d+)", dump.read_text(errors="replace"), re.M)[-1:])
    return total / answered


def control(programs, option: str):
    for program in programs:
        for pid in family(program.pid):
            subprocess.run(["callgrind_control", option, str(pid)], check=True, timeout=TOOL_SECONDS_MAX,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
