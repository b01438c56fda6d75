//! The variables of this process, of which a server keeps the secret ones out of its environment.
//!
//! Other programs of the same user can read the environment in `/proc/PID/environ` for as long as the process lives.
//! The system keeps what a process was started with, whatever the process does. So a server that finds secrets there
//! hands them to itself by a pipe and starts its own program once more in the same process, with an environment without
//! them ([`hide_secrets`]). From then on [`variable`] answers them.

#[cfg(feature = "cli")]
use crate::error::{Code, Error, Result};
#[cfg(feature = "cli")]
use crate::redact;
use std::collections::BTreeMap;
use std::sync::OnceLock;

/// What came by the pipe.
static HIDDEN: OnceLock<BTreeMap<String, String>> = OnceLock::new();
/// Set while standard input is that pipe.
#[cfg(all(feature = "cli", target_os = "linux"))]
const BY_PIPE: &str = "LAMPLIGHTER_SECRETS_BY_PIPE";
/// Bytes that a pipe takes before anybody reads them (`pipe(7)`).
#[cfg(all(feature = "cli", target_os = "linux"))]
const MAX_SECRETS: usize = 60_000;

/// The value of a variable that is text, hidden or not.
pub(crate) fn variable(name: &str) -> Option<String> {
    let hidden = HIDDEN.get().and_then(|hidden| hidden.get(name).cloned());
    hidden.or_else(|| std::env::var(name).ok())
}

/// Whether this process is root's.
pub(crate) fn is_root() -> bool {
    #[cfg(target_os = "linux")]
    let is_root = rustix::process::geteuid().is_root();
    #[cfg(not(target_os = "linux"))]
    let is_root = false;
    is_root
}

/// All variables that are texts.
#[cfg(feature = "cli")]
pub(crate) fn variables() -> BTreeMap<String, String> {
    let open = std::env::vars_os();
    let open = open
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    let hidden = HIDDEN.get().into_iter().flatten();
    open.chain(hidden.map(|(name, value)| (name.clone(), value.clone()))).collect()
}

/// Takes the variables whose names say that they are secret out of this process's environment, and has the system keep
/// other programs of the same user from looking into this process; no core dump of it is written either. It is called
/// before anything else is begun, because the process may start its program anew.
///
/// # Errors
/// `CONFIG-VALUE-001` if the secrets are longer than 60,000 bytes; `WEB-SERVE-001` if the system refuses.
#[cfg(all(feature = "cli", target_os = "linux"))]
pub(crate) fn hide_secrets() -> Result<()> {
    use rustix::process::{DumpableBehavior, set_dumpable_behavior};
    let failed = |error| {
        Error::new(Code::WebServe, "keep the secrets out of the environment").because(error)
    };
    if std::env::var_os(BY_PIPE).is_some() {
        linux::receive().map_err(failed)?;
    } else {
        let secrets = variables().into_iter();
        let secrets: BTreeMap<_, _> =
            secrets.filter(|(name, value)| redact::is_secret_variable(name, value)).collect();
        let bytes = serde_json::to_vec(&secrets).expect("texts are JSON");
        if bytes.len() > MAX_SECRETS {
            let doing =
                format!("keep the variables with secrets: they have more than {MAX_SECRETS} bytes");
            return Err(Error::new(Code::ConfigInvalid, doing));
        }
        if !secrets.is_empty() {
            return Err(failed(linux::start_anew(&secrets, &bytes)));
        }
    }
    set_dumpable_behavior(DumpableBehavior::NotDumpable).map_err(|error| failed(error.into()))
}

/// Other systems keep environments to their owner.
#[cfg(all(feature = "cli", not(target_os = "linux")))]
pub(crate) fn hide_secrets() -> Result<()> {
    Ok(())
}

#[cfg(all(feature = "cli", target_os = "linux"))]
mod linux {
    use super::{BTreeMap, BY_PIPE, HIDDEN};
    use std::fs::File;
    use std::io::{self, Read, Write};
    use std::os::unix::process::CommandExt;
    use std::process::Command;

    /// Starts this program anew in this process. Returns only if that fails.
    #[expect(
        clippy::disallowed_methods,
        reason = "no process is started: this one goes on as itself"
    )]
    pub(super) fn start_anew(secrets: &BTreeMap<String, String>, bytes: &[u8]) -> io::Error {
        let prepare = || -> io::Result<Command> {
            let (reader, mut writer) = io::pipe()?;
            writer.write_all(bytes)?;
            let mut arguments = std::env::args_os();
            // By its own path, so that the system's lists show the program's name.
            let mut command = Command::new(std::env::current_exe()?);
            command.arg0(arguments.next().unwrap_or_else(|| "lamplighter".into())).args(arguments);
            for name in secrets.keys() {
                command.env_remove(name);
            }
            command.env(BY_PIPE, "1").stdin(reader);
            Ok(command)
        };
        match prepare() {
            Ok(mut command) => command.exec(),
            Err(error) => error,
        }
    }

    /// Takes the secrets from the pipe.
    pub(super) fn receive() -> io::Result<()> {
        let mut bytes = Vec::new();
        io::stdin().lock().read_to_end(&mut bytes)?;
        let secrets = serde_json::from_slice(&bytes)?;
        HIDDEN.set(secrets).map_err(|_| io::Error::other("they were received before"))?;
        rustix::stdio::dup2_stdin(File::open("/dev/null")?)?;
        Ok(())
    }
}
