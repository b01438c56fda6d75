//! What a run must not reach: services on the loopback, on every address, on sockets of every kind. Each writes down who came.

use std::io::Write;
use std::net::{IpAddr, TcpListener, UdpSocket};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixListener};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread::spawn;
use tempfile::TempDir;

/// Where services put their sockets, and where others could.
const PLACES: [&str; 9] =
    ["/tmp", "/var/tmp", "/run", "/var/lib", "/var/cache", "/opt", "/srv", "/dev/shm", "/root"];

/// The services. Their threads end with the test's process.
pub(super) struct Targets {
    /// What stands for each of them in a line.
    pub(super) names: Vec<(String, String)>,
    /// A folder with a socket in each of the places.
    folders: Vec<TempDir>,
    reached: Arc<Mutex<Vec<String>>>,
}

impl Targets {
    /// Starts them; `canary` is what each says. `data` and `work` get a socket too.
    pub(super) fn start(canary: &str, data: &Path, work: &Path) -> Self {
        let mut targets = Self { names: Vec::new(), folders: Vec::new(), reached: Arc::default() };
        for (name, address) in [("tcp", "127.0.0.1:0"), ("tcp6", "[::1]:0"), ("any", "0.0.0.0:0")] {
            let listener = TcpListener::bind(address).unwrap();
            targets.name(name, &listener.local_addr().unwrap().port());
            targets.serve(name, canary, move || listener.accept().map(|(line, _)| line));
        }
        let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
        targets.name("udp", &udp.local_addr().unwrap().port());
        targets.hear("udp", move |buffer| udp.recv(buffer));
        targets.name("host", &own_address());
        let abstract_name = format!("lamplighter-{canary}");
        let address = SocketAddr::from_abstract_name(&abstract_name).unwrap();
        let listener = UnixListener::bind_addr(&address).unwrap();
        targets.name("abstract", &abstract_name);
        targets.serve("abstract", canary, move || listener.accept().map(|(line, _)| line));
        let places = PLACES.iter().filter_map(|place| tempfile::tempdir_in(place).ok());
        targets.folders = places.collect();
        let folders: Vec<_> =
            targets.folders.iter().map(|folder| folder.path().to_owned()).collect();
        let mut paths = Vec::new();
        for folder in folders.iter().map(PathBuf::as_path).chain([data, work]) {
            let (stream, datagram) = (folder.join("stream.sock"), folder.join("datagram.sock"));
            let listener = UnixListener::bind(&stream).unwrap();
            let said = stream.display().to_string();
            targets.serve(&said, canary, move || listener.accept().map(|(line, _)| line));
            let socket = UnixDatagram::bind(&datagram).unwrap();
            targets.hear(&datagram.display().to_string(), move |buffer| socket.recv(buffer));
            paths.push(folder.display().to_string());
        }
        targets.name("folders", &paths.join(" "));
        targets
    }

    /// The line with the names of these services in it.
    pub(super) fn fill(&self, line: &str) -> String {
        let mut line = line.to_owned();
        for (name, value) in &self.names {
            line = line.replace(&format!("{{{name}}}"), value);
        }
        line
    }

    /// Who was reached since the last look.
    pub(super) fn reached(&self) -> Vec<String> {
        std::mem::take(&mut self.reached.lock().unwrap())
    }

    fn name(&mut self, name: &str, value: &impl ToString) {
        self.names.push((name.to_owned(), value.to_string()));
    }

    fn serve<S: Write>(
        &self,
        name: &str,
        canary: &str,
        accept: impl Fn() -> std::io::Result<S> + Send + 'static,
    ) {
        let (reached, name) = (Arc::clone(&self.reached), name.to_owned());
        let canary = format!("{canary}\n");
        spawn(move || {
            while let Ok(mut line) = accept() {
                reached.lock().unwrap().push(name.clone());
                // The other side may be gone already; that it came is written down.
                drop(line.write_all(canary.as_bytes()));
            }
        });
    }

    fn hear(
        &self,
        name: &str,
        receive: impl Fn(&mut [u8]) -> std::io::Result<usize> + Send + 'static,
    ) {
        let (reached, name) = (Arc::clone(&self.reached), name.to_owned());
        spawn(move || {
            while receive(&mut [0; 16]).is_ok() {
                reached.lock().unwrap().push(name.clone());
            }
        });
    }
}

/// The address of this machine in its network; without a network, a loopback address.
fn own_address() -> IpAddr {
    let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
    // Nothing is sent.
    let found = socket.connect("192.0.2.1:9").and_then(|()| socket.local_addr());
    found.map_or(IpAddr::from([127, 0, 0, 2]), |address| address.ip())
}
