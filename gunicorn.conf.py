"""Set up ``gunicorn web:app``: a thread for each open stream, and some for everything else."""

from hubbub.settings import STREAMS

worker_class = "gthread"
threads = STREAMS + 128
graceful_timeout = 5
