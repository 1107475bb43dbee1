"""Set up ``gunicorn web:app``: a thread for each open stream, and some for everything else."""

from hubbub.settings import THREADS, Settings

worker_class = "gthread"
threads = THREADS + Settings.read().streams
# Each stream is a connection, and browsers keep some more.
worker_connections = max(1000, 2 * threads)
graceful_timeout = 5
