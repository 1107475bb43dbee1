"""Set up ``gunicorn web:app``: a thread for each open stream, and some for everything else."""

from hubbub.settings import THREADS, Settings

worker_class = "gthread"
threads = THREADS + Settings.read().streams
graceful_timeout = 5
