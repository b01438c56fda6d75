//! Opens connections out of the server: straight, or by the proxy that the server's own environment names.

use super::endpoint::Endpoint;
use super::ledger::Traffic;
use super::service::ModelService;
use crate::error::{Code, Error, Result};
use crate::redact::redactor;
use data_encoding::BASE64;
use hyper::Uri;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// How long a connection may take, TLS and a proxy included.
const OPEN: Duration = Duration::from_secs(30);
/// The longest answer of a proxy to CONNECT, in bytes.
const MAX_ANSWER: usize = 16 * 1024;
/// Variables that name a file of certificates which count besides the public ones, as a company's gateway needs.
const EXTRA_ROOTS: [&str; 2] = ["SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS"];

/// A connection of any kind.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}
pub(super) type Line = Box<dyn Stream>;

/// Opens connections.
pub(super) struct Dialer {
    proxy: Option<Proxy>,
    /// `NO_PROXY`: hosts that are reached straight.
    straight: Vec<String>,
    tls: TlsConnector,
}

/// The proxy of the server.
struct Proxy {
    at: Endpoint,
    /// The `Proxy-Authorization` header's line.
    login: String,
}

impl Dialer {
    /// A dialer as the environment has it.
    ///
    /// # Errors
    /// `CONFIG-VALUE-001` for a proxy that is none, and for certificates that cannot be read.
    pub(super) fn of(env: &impl Fn(&str) -> Option<String>) -> Result<Self> {
        let set = |name: &str| env(name).filter(|value| !value.trim().is_empty());
        let either = |name: &str| set(name).or_else(|| set(&name.to_ascii_lowercase()));
        let proxy = either("HTTPS_PROXY").map(|text| {
            let refused = || {
                let allowed = "http://[user:password@]host[:port]";
                Error::new(Code::ConfigInvalid, format!("read HTTPS_PROXY: it is not {allowed}"))
            };
            Proxy::parse(&text).ok_or_else(refused)
        });
        let straight = either("NO_PROXY").unwrap_or_default();
        let straight = straight.split(',').map(|host| host.trim().to_ascii_lowercase());
        Ok(Self {
            proxy: proxy.transpose()?,
            straight: straight.filter(|host| !host.is_empty()).collect(),
            tls: tls(EXTRA_ROOTS.into_iter().filter_map(set))?,
        })
    }

    /// Whether the server has a proxy of its own.
    pub(super) fn has_proxy(&self) -> bool {
        self.proxy.is_some()
    }

    /// The proxy for a host, if it is reached by one. A plain HTTP service never is.
    pub(super) fn by_proxy(&self, host: &str) -> bool {
        let host = host.to_ascii_lowercase();
        let is_own = host == "localhost" || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback());
        let is_straight = self.straight.iter().any(|named| {
            let suffix = named.trim_start_matches('*').trim_start_matches('.');
            named == "*"
                || host == suffix
                || host.strip_suffix(suffix).is_some_and(|h| h.ends_with('.'))
        });
        self.proxy.is_some() && !is_own && !is_straight
    }

    /// A connection on which requests to the model's service are sent.
    pub(super) async fn service(&self, service: &ModelService) -> io::Result<Line> {
        let Endpoint { is_encrypted, host, port } = &service.at;
        let opening = async {
            let by_proxy = *is_encrypted && self.by_proxy(host);
            let line: Line = match &self.proxy {
                Some(proxy) if by_proxy => self.through(proxy, host, *port).await?,
                Some(_) | None => Box::new(tcp((host.as_str(), *port)).await?),
            };
            if *is_encrypted { self.encrypted(line, host).await } else { Ok(line) }
        };
        within(opening).await
    }

    /// A connection to one of these addresses of a host.
    pub(super) async fn straight(&self, addresses: &[SocketAddr]) -> io::Result<Line> {
        within(async { Ok(Box::new(tcp(addresses).await?) as Line) }).await
    }

    /// A connection to a host by the server's proxy, which there is.
    pub(super) async fn relayed(&self, host: &str, port: u16) -> io::Result<Line> {
        let none = || io::Error::other("the server has no proxy");
        let proxy = self.proxy.as_ref().ok_or_else(none)?;
        within(self.through(proxy, host, port)).await
    }

    async fn through(&self, proxy: &Proxy, host: &str, port: u16) -> io::Result<Line> {
        let mut line: Line = Box::new(tcp((proxy.at.host.as_str(), proxy.at.port)).await?);
        if proxy.at.is_encrypted {
            line = self.encrypted(line, &proxy.at.host).await?;
        }
        let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
        let ask =
            format!("CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n{}\r\n", proxy.login);
        line.write_all(ask.as_bytes()).await?;
        line.flush().await?;
        let answer = head(&mut line).await?;
        let status = answer.split(' ').nth(1).unwrap_or_default();
        if !status.starts_with('2') {
            let said = answer.lines().next().unwrap_or_default();
            return Err(io::Error::other(format!("the server's proxy answers {said:?}")));
        }
        Ok(line)
    }

    async fn encrypted(&self, line: Line, host: &str) -> io::Result<Line> {
        let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
        Ok(Box::new(self.tls.connect(name, line).await?))
    }
}

impl Proxy {
    fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let text = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
        let uri: Uri = text.parse().ok()?;
        let at = Endpoint::of(&uri)?;
        let login = match uri.authority()?.as_str().rsplit_once('@') {
            Some((login, _)) => {
                let login = unquoted(login)?;
                redactor().learn(login.split_once(':').map_or(&*login, |(_, password)| password));
                format!("Proxy-Authorization: Basic {}\r\n", BASE64.encode(login.as_bytes()))
            }
            None => String::new(),
        };
        Some(Self { at, login })
    }
}

/// The text with `%41` as `A`.
fn unquoted(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        if *first != b'%' {
            bytes.push(*first);
            rest = after;
            continue;
        }
        let (digits, after) = after.split_at_checked(2)?;
        bytes.push(u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?);
        rest = after;
    }
    String::from_utf8(bytes).ok()
}

/// The head of an answer, up to the empty line; not a byte more is read.
async fn head(line: &mut Line) -> io::Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() >= MAX_ANSWER {
            return Err(io::Error::other("the server's proxy answers without end"));
        }
        head.push(line.read_u8().await?);
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}

async fn tcp(to: impl tokio::net::ToSocketAddrs) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(to).await?;
    // Events of an answer are small, and each is waited for.
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// What `opening` answers, within the time that a connection may take.
pub(super) async fn within<T>(opening: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    timeout(OPEN, opening).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

/// TLS with the public roots, and those of the files that the operator names.
fn tls(extra: impl Iterator<Item = String>) -> Result<TlsConnector> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    for file in extra {
        let failed = |why: String| {
            Error::new(Code::ConfigInvalid, format!("read the certificates of {file}")).because(why)
        };
        let found = CertificateDer::pem_file_iter(Path::new(&file));
        for certificate in found.map_err(|error| failed(error.to_string()))? {
            let certificate = certificate.map_err(|error| failed(error.to_string()))?;
            // A file of a system's roots may hold one of an odd form; the others count all the same.
            roots.add_parsable_certificates([certificate]);
        }
    }
    let provider = Arc::new(ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::new(Code::AgentWall, "set up TLS").because(error))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

/// A connection whose bytes are counted.
pub(super) struct Counted<S> {
    line: S,
    traffic: Arc<Traffic>,
}

impl<S> Counted<S> {
    pub(super) fn new(line: S, traffic: Arc<Traffic>) -> Self {
        Self { line, traffic }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Counted<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.line).poll_read(context, buffer))?;
        let read = buffer.filled().len() - before;
        self.traffic.received.fetch_add(read as u64, Ordering::Relaxed);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Counted<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.line).poll_write(context, bytes))?;
        self.traffic.sent.fetch_add(written as u64, Ordering::Relaxed);
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.line).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.line).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dialer(proxy: &'static str, straight: &'static str) -> Dialer {
        let env = move |name: &str| match name {
            "HTTPS_PROXY" => Some(proxy.to_owned()),
            "no_proxy" => Some(straight.to_owned()),
            _ => None,
        };
        Dialer::of(&env).unwrap()
    }

    #[test]
    fn the_proxy_of_the_server_is_used_except_for_the_hosts_that_it_leaves_out() {
        let plain = dialer("proxy:3128", "");
        for host in ["api.anthropic.com", "10.0.0.1", "notlocalhost"] {
            assert!(plain.by_proxy(host), "{host}");
        }
        for host in ["localhost", "127.0.0.1", "::1"] {
            assert!(!plain.by_proxy(host), "{host}");
        }
        let some = dialer("proxy:3128", " .corp.example , Gateway, *.test");
        for host in ["corp.example", "a.CORP.example", "gateway", "x.test"] {
            assert!(!some.by_proxy(host), "{host}");
        }
        assert!(some.by_proxy("acorp.example") && some.by_proxy("mygateway"));
        assert!(!dialer("proxy:3128", "*").by_proxy("example.com"));
        assert!(!dialer("", "").has_proxy());
    }

    #[test]
    fn a_proxy_has_a_host_and_perhaps_a_port_and_a_login() {
        let proxy = Proxy::parse("http://me:p%40ss%3Aword@proxy.example:3128/").unwrap();
        assert_eq!((proxy.at.host.as_str(), proxy.at.port), ("proxy.example", 3128));
        let login = format!("Proxy-Authorization: Basic {}\r\n", BASE64.encode(b"me:p@ss:word"));
        assert_eq!(proxy.login, login);
        let encrypted = Proxy::parse("https://proxy.example").unwrap();
        assert_eq!((encrypted.at.is_encrypted, encrypted.at.port), (true, 443));
        for text in ["socks5://a:1", "http://", "http://u%zz@a"] {
            assert!(Proxy::parse(text).is_none(), "{text}");
        }
        let refused = Dialer::of(&|_| Some("socks5://me:hunter22@a".to_owned())).err().unwrap();
        assert!(!format!("{refused:#}").contains("hunter22"), "{refused:#}");
    }
}
