"""The exception tree of Nightschool.

Every error that the package raises on purpose is one of these, and each also is the
standard type that it refines. A message says what happened (with the value), what was
expected and what to do. A refusal by the gate is a value (`types.Decision`), not an error.

    NightschoolError
    +-- ConfigError (ValueError)            a setting is out of range or unknown
    +-- WorkspaceError (OSError)
    |   +-- WorkspaceMissing                no workspace here
    |   +-- WorkspaceLocked                 another process holds it
    |   +-- WorkspaceCorrupt                a file of the workspace cannot be read
    +-- SourceError (ValueError)            a source cannot be learnt from
    |   +-- SourceUnreadable                missing, binary, too large, wrongly encoded, cyclic
    |   +-- SourceMalformed                 right kind, wrong content (with the line number)
    +-- StoreError
    |   +-- UnknownMemory (KeyError)
    |   +-- UnknownVersion (KeyError)
    |   +-- UnknownJob (KeyError)
    |   +-- UnknownKey (KeyError)
    |   +-- UnknownCompletion (KeyError)
    |   +-- PathRefused (ValueError)        not a memory file's name, or not text
    |   +-- EditConflict                    the file is not what the edit was made on
    |   +-- NotEntitled (PermissionError)   somebody more trusted stated or approved it
    |   +-- TaintedVersion (PermissionError)  trained on something since forgotten
    +-- ModelError
    |   +-- ModelMissing (FileNotFoundError)
    |   +-- ModelCorrupt (ValueError)
    |   +-- ModelUnfit (ValueError)         whole, but not of a kind that can be taught here
    |   +-- DownloadFailed (ConnectionError)
    |   +-- EngineFailed (ConnectionError)  a running model died, or does not answer
    |   +-- TeacherFailed (ConnectionError)
    |   +-- ExtractorFailed (ConnectionError)
    +-- StudyError (ValueError)             no study material could be made
    +-- NightUnfinished (RuntimeError)      an interrupted night goes first
    |   +-- NightRunning                    the tenant's night is queued or running already
    +-- QuotaExceeded (RuntimeError)        a tenant has used up what it may have
    +-- TrainError (RuntimeError)
    |   +-- Diverged (ArithmeticError)      the loss is not finite or explodes
    +-- ExamError (ValueError)
    |   +-- LeakError                       too much study material repeats exam questions
    +-- ProofError
    |   +-- ProofRefused (ValueError)       the proof does not prove its theorem
    |   +-- ProofUndecided (TimeoutError)   the check took longer than it may
    +-- PracticeError
    |   +-- EnvironmentBroken (ValueError)  it breaks the rules of environments, or its tasks cannot be made
    |   +-- UnknownEnvironment (KeyError)
    |   +-- LibraryMissing (ImportError)    what the environment needs is not installed
    |   +-- SandboxFailed (OSError)         code cannot be run apart on this machine
    +-- ServiceError                        a request to the service is not served
        +-- KeyRefused (PermissionError)    no API key, or not a valid one
        +-- ScopeMissing (PermissionError)  the key may not do this
        +-- CallerRefused (PermissionError) from a page or under a host name that is not the service's
        +-- BadRequest (ValueError)         the request cannot be understood
        +-- TooLarge (ValueError)           the request is larger than its key may send
        +-- RateExceeded                    more requests a minute than the key may send
        +-- ServiceBusy                     too much at a time; later it works
        +-- LeaseCut                        the version was forgotten while it answered
"""


class NightschoolError(Exception):
    """Root of everything that Nightschool raises on purpose."""

    def __str__(self) -> str:
        # KeyError quotes its message; ours are sentences.
        return str(self.args[0]) if self.args else self.__class__.__name__


class ConfigError(NightschoolError, ValueError):
    """A setting is unknown or out of range."""


class WorkspaceError(NightschoolError, OSError):
    """The workspace folder cannot be used."""


class WorkspaceMissing(WorkspaceError):
    """There is no workspace at the given place."""


class WorkspaceLocked(WorkspaceError):
    """Another process is writing to the workspace."""


class WorkspaceCorrupt(WorkspaceError):
    """A file of the workspace cannot be read back."""


class SourceError(NightschoolError, ValueError):
    """A source cannot be learnt from."""


class SourceUnreadable(SourceError):
    """The source is missing, binary, too large, wrongly encoded or cyclic."""


class SourceMalformed(SourceError):
    """The source is of a known kind, but its content breaks the kind's rules."""


class StoreError(NightschoolError):
    """A record cannot be found or used."""


class UnknownMemory(StoreError, KeyError):
    """No memory has this id."""


class UnknownVersion(StoreError, KeyError):
    """No version or alias has this name."""


class UnknownJob(StoreError, KeyError):
    """No night's job has this id."""


class UnknownKey(StoreError, KeyError):
    """No API key has this id."""


class UnknownCompletion(StoreError, KeyError):
    """No stored answer has this id."""


class PathRefused(StoreError, ValueError):
    """A path leads out of the memory files, or its content is no text that belongs there."""


class EditConflict(StoreError):
    """Somebody else has changed what this edit was made on."""


class NotEntitled(StoreError, PermissionError):
    """The memory was stated or approved by somebody more trusted than whoever would change it."""


class TaintedVersion(StoreError, PermissionError):
    """The version was trained on something that has been forgotten since."""


class ModelError(NightschoolError):
    """A model cannot be used."""


class ModelMissing(ModelError, FileNotFoundError):
    """The model is not on this machine."""


class ModelCorrupt(ModelError, ValueError):
    """The model's files are damaged."""


class ModelUnfit(ModelError, ValueError):
    """The model is whole, but not of a kind that can be taught here."""


class DownloadFailed(ModelError, ConnectionError):
    """The package index did not deliver."""


class EngineFailed(ModelError, ConnectionError):
    """What runs a model has died, cannot be reached, or does not answer as expected."""


class TeacherFailed(ModelError, ConnectionError):
    """The teacher endpoint did not answer, or not in its protocol."""


class ExtractorFailed(ModelError, ConnectionError):
    """The model that reads conversations did not answer, or not as it was asked to."""


class StudyError(NightschoolError, ValueError):
    """Study material cannot be made or read."""


class NightUnfinished(NightschoolError, RuntimeError):
    """An interrupted night has to be finished or dropped before another can begin."""


class NightRunning(NightUnfinished):
    """A tenant has one night at a time, and its present one is not over."""


class QuotaExceeded(NightschoolError, RuntimeError):
    """A tenant has used up what it may have."""


class TrainError(NightschoolError, RuntimeError):
    """Training cannot go on."""


class Diverged(TrainError, ArithmeticError):
    """The training loss is not finite, or has exploded."""


class ExamError(NightschoolError, ValueError):
    """An exam cannot be held."""


class LeakError(ExamError):
    """Too much study material repeats exam questions."""


class ProofError(NightschoolError):
    """A formal proof was not accepted."""


class ProofRefused(ProofError, ValueError):
    """The proof does not prove its theorem, or not within the bounds of the task."""


class ProofUndecided(ProofError, TimeoutError):
    """The check took longer than it may; the proof may be right."""


class PracticeError(NightschoolError):
    """Practice cannot go on."""


class EnvironmentBroken(PracticeError, ValueError):
    """An environment breaks the rules of environments, or cannot make its tasks."""


class UnknownEnvironment(PracticeError, KeyError):
    """No environment has this name."""


class LibraryMissing(PracticeError, ImportError):
    """What an environment is made of is not installed."""


class SandboxFailed(PracticeError, OSError):
    """The machine does not run code apart from the rest."""


class ServiceError(NightschoolError):
    """A request to the service is not served."""


class KeyRefused(ServiceError, PermissionError):
    """The request has no API key, or one that is unknown, expired or revoked."""


class ScopeMissing(ServiceError, PermissionError):
    """The API key is good, but not for this."""


class CallerRefused(ServiceError, PermissionError):
    """The request names another host, or comes from a page of another origin."""


class BadRequest(ServiceError, ValueError):
    """The request is not what its route takes."""


class TooLarge(ServiceError, ValueError):
    """The request's body is larger than its key may send."""


class RateExceeded(ServiceError):
    """The key has sent all the requests that it may send for now."""


class ServiceBusy(ServiceError):
    """The service works at its bound; the same request succeeds later."""


class LeaseCut(ServiceError):
    """The version that was answering has been forgotten meanwhile."""
