//! Reads the configuration file of the server on a data directory.

use super::Config;
use crate::error::{Code, Error, Result};
use crate::files;
use std::io::{self, Read};
use std::net::SocketAddr;
use std::path::{self, Path, PathBuf};

/// The configuration file in force, if there is one.
pub(crate) fn configuration_file(data_dir: &Path, named: Option<&Path>) -> Option<PathBuf> {
    let default = data_dir.join("lamplighter.toml");
    let file = named.unwrap_or(&default);
    path::absolute(file).ok().filter(|file| file.exists())
}

/// The configuration of the server on this data directory, from its own file unless another one is named.
pub(crate) fn configuration(
    data_dir: &Path,
    named: Option<&Path>,
    env: impl Fn(&str) -> Option<String>,
    listen: Option<SocketAddr>,
) -> Result<Config> {
    let default = data_dir.join("lamplighter.toml");
    let (path, wanted) = (named.unwrap_or(&default), named.is_some());
    let text = match read_own(path) {
        Ok(text) => Some(text?),
        Err(error) if error.kind() == io::ErrorKind::NotFound && !wanted => None,
        Err(error) => {
            let code = Code::of_input(error.kind(), Code::ConfigInvalid);
            return Err(Error::new(code, format!("read {}", path.display())).because(error));
        }
    };
    let file = text.as_deref().map(|text| (path, text));
    Config::load(file, env, listen)
}

/// The text of a file that nobody but its owner and root may write: it names the programs that the server runs.
///
/// # Errors
/// `CONFIG-MODE-001` inside, if others may write it.
fn read_own(path: &Path) -> io::Result<Result<String>> {
    let mut file = files::open(path)?;
    if files::others_may_write(&file.metadata()?) {
        return Ok(Err(Error::new(Code::ConfigWritable, format!("read {}", path.display()))));
    }
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    Ok(Ok(text))
}
