//! The codes of exits.

use std::fmt;

/// Why a process ended. Its `Display` is the stable code that is printed with it, such as `FUL0316`;
/// the numbers are never reused, and `docs/errors` has an explanation of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u16)]
#[non_exhaustive]
pub enum Code {
    /// V8 reached its heap limit.
    HeapLimit = 301,
    /// A traceback of Python.
    PythonError = 302,
    /// An error of Bun.
    BunError = 303,
    /// An error of Deno.
    DenoError = 304,
    /// The value of an option of Node has the wrong type.
    BadOptionValue = 305,
    /// This Node does not know an option.
    UnknownOption = 306,
    /// Node rejects an option.
    RejectedOption = 307,
    /// Node's permission model denies something.
    PermissionModel = 308,
    /// A port or socket is in use.
    AddressInUse = 309,
    /// The system does not permit a port or a file.
    NotPermitted = 310,
    /// Files, watchers or space are used up.
    Exhausted = 311,
    /// TypeScript that this Node does not run.
    UnsupportedTypeScript = 312,
    /// A file that Node cannot run.
    UnknownExtension = 313,
    /// An ES module is run as CommonJS, or the other way round.
    ModuleKind = 314,
    /// A built-in module that this Node lacks.
    UnknownBuiltin = 315,
    /// A file or package that does not exist.
    MissingModule = 316,
    /// A path that a package does not export.
    NotExported = 317,
    /// An import without its attribute.
    ImportAttribute = 318,
    /// `require()` of a module with a top-level await.
    RequireAsync = 319,
    /// A native module for another Node.
    NativeModule = 320,
    /// A name that a module does not export.
    MissingExport = 321,
    /// A syntax error.
    SyntaxError = 322,
    /// A server does not listen.
    ConnectionRefused = 323,
    /// A top-level await never settled.
    UnsettledAwait = 324,
    /// A rejected promise without a handler.
    UnhandledRejection = 325,
    /// An error that nothing caught.
    UncaughtError = 326,
    /// An error that the program printed before it exited.
    ReportedError = 327,
    /// A line of level error before the exit.
    LoggedError = 328,
    /// The kernel killed it, since memory ran out.
    OutOfMemory = 340,
    /// Somebody sent a signal.
    KilledBySignal = 341,
    /// The program itself crashed.
    Crashed = 342,
    /// A failing exit code without a known cause.
    ExitCode = 343,
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FUL{:04}", *self as u16)
    }
}
