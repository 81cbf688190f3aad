"""`record()` and what a recording can be asked, with the client that drives Django's handlers.

May import `runtime/` and everything below; of the rooms above only `pytest_plugin/` imports it.
"""

from tracer.recording.handlers import Answer
from tracer.recording.recording import Recording, Settled, record
from tracer.recording.view import Reading, RecordingError

__all__ = ["Answer", "Reading", "Recording", "RecordingError", "Settled", "record"]
