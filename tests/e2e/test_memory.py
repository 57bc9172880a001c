"""A sidecar is paid for once per service: what it holds while idle is a promise."""
import time

from bootstrap import simple

RSS_IDLE_KILOBYTES_MAX = 15 * 1024


def test_an_idle_proxy_with_two_workers_stays_within_15_megabytes(weft, upstream):
    _, config = simple(upstream().port)
    proxy = weft(config, "--concurrency", "2")
    time.sleep(5)
    assert proxy.rss_kilobytes() <= RSS_IDLE_KILOBYTES_MAX
