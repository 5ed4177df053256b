//! TLS for connections by TCP: `TlsServer` and `TlsClient`, what each side shows and trusts. Moving bytes is in `sealed`, and where
//! records end in `records`; `parts` is what another process makes the same of.

mod parts;
mod records;
mod sealed;

pub(crate) use parts::{ClientParts, ServerParts};
pub(super) use sealed::{Sealed, explain, not_here};

use crate::error::{Error, ErrorKind, Result};
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::version::TLS13;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use std::fmt;
use std::sync::Arc;

/// What a listener shows to its clients, so that nobody in between can read or change what is sent:
/// for [`ListenerBuilder::tls`](crate::ListenerBuilder::tls).
///
/// Only TLS 1.3 is spoken, and only by TCP. The key is needed as ever, and shown inside: TLS hides what is sent and says who the
/// listener is, the key says who may come.
///
/// # Examples
///
/// A certificate for tests, or between programs of one's own, by
/// `openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -subj /CN=mine -keyout key.pem -out cert.pem
/// -addext subjectAltName=IP:127.0.0.1 -addext basicConstraints=critical,CA:FALSE`:
///
/// ```
/// # let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/socket/certificates/");
/// # let read = |name| std::fs::read_to_string(folder.to_owned() + name).unwrap();
/// # let (cert, key) = (read("one.pem"), read("one.key"));
/// let tls = mp::TlsServer::new(&cert, key)?; // the texts of cert.pem and key.pem
/// let listener = mp::Listener::builder().tls(tls).bind("tcp://127.0.0.1:0", "the key")?;
///
/// let tls = mp::TlsClient::new(cert)?;
/// let ours = mp::Client::builder().tls(tls).connect(listener.address(), "the key")?;
/// ours.send_bytes(b"between us")?;
/// assert_eq!(listener.accept()?.recv_bytes()?, b"between us");
///
/// let open = mp::Client::builder().timeout(std::time::Duration::from_millis(100));
/// assert!(open.connect(listener.address(), "the key").is_err());
/// # Ok::<(), mp::Error>(())
/// ```
#[derive(Clone)]
pub struct TlsServer {
    shown: Identity,
    parts: ServerParts,
    config: Arc<ServerConfig>,
}

/// Which listeners a client trusts: for [`ClientBuilder::tls`](crate::ClientBuilder::tls).
///
/// A listener shows a certificate that is for the host of its address, or the [name](Self::server_name) that is given instead,
/// and that was issued by one of those trusted.
///
/// # Examples
///
/// See [`TlsServer`].
#[derive(Clone)]
pub struct TlsClient {
    trusted: Arc<RootCertStore>,
    shown: Option<Identity>,
    name: Option<ServerName<'static>>,
    parts: ClientParts,
    config: Arc<ClientConfig>,
}

/// Certificates, its own first, and the key of that one.
#[derive(Clone)]
struct Identity {
    chain: Vec<CertificateDer<'static>>,
    key: Arc<PrivateKeyDer<'static>>,
}

impl TlsServer {
    /// Shows a certificate, and those by which it was issued behind it, with its key; both as PEM, the text that
    /// begins with `-----BEGIN`.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if one is missing there, cannot be read, or does not fit the other.
    pub fn new(certificates: impl AsRef<[u8]>, key: impl AsRef<[u8]>) -> Result<Self> {
        let (certificates, key) = (certificates.as_ref(), key.as_ref());
        let shown = Identity::read(certificates, key)?;
        Self::with(shown, ServerParts::new(certificates, key), None)
    }

    /// Lets in only clients that show a certificate issued by one of these, as PEM; see [`TlsClient::identity`].
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if there is none, or one cannot be read.
    pub fn client_ca(self, certificates: impl AsRef<[u8]>) -> Result<Self> {
        let certificates = certificates.as_ref();
        let (trusted, parts) = (trusted(certificates)?, self.parts.clients(certificates));
        Self::with(self.shown, parts, Some(trusted))
    }

    fn with(
        shown: Identity,
        parts: ServerParts,
        clients: Option<Arc<RootCertStore>>,
    ) -> Result<Self> {
        let wrong = |error| wrong("a listener cannot have these certificates", error);
        let config = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&TLS13])
            .map_err(wrong)?;
        let config = match clients {
            None => config.with_no_client_auth(),
            Some(trusted) => {
                let verifier =
                    WebPkiClientVerifier::builder_with_provider(trusted, provider()).build();
                config.with_client_cert_verifier(verifier.map_err(|e| wrong(general(&e)))?)
            }
        };
        let config = config.with_single_cert(shown.chain.clone(), shown.key.clone_key());
        let mut config = config.map_err(wrong)?;
        // Each connection is by itself: nothing is sent but messages, so that who polls finds one.
        config.send_tls13_tickets = 0;
        config.session_storage = Arc::new(NoServerSessionStorage {});
        Ok(Self { shown, parts, config: Arc::new(config) })
    }
}

impl TlsClient {
    /// Trusts listeners whose certificate was issued by one of these, as PEM, or is one of these and no authority's. The
    /// authorities that browsers trust are in a file of the system's, such as /etc/ssl/certs/ca-certificates.crt.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if there is none, or one cannot be read.
    pub fn new(certificates: impl AsRef<[u8]>) -> Result<Self> {
        let certificates = certificates.as_ref();
        Self::with(trusted(certificates)?, None, None, ClientParts::new(certificates))
    }

    /// Shows a certificate of this client's to listeners that ask for one, with its key; both as for [`TlsServer::new`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn identity(self, certificates: impl AsRef<[u8]>, key: impl AsRef<[u8]>) -> Result<Self> {
        let (certificates, key) = (certificates.as_ref(), key.as_ref());
        let shown = Identity::read(certificates, key)?;
        Self::with(self.trusted, Some(shown), self.name, self.parts.shown(certificates, key))
    }

    /// The name that the listener's certificate has to be for, a host's or an IP address, instead of the host of the address.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if that is neither.
    pub fn server_name(mut self, name: &str) -> Result<Self> {
        self.name = Some(named(name)?);
        self.parts = self.parts.named(name);
        Ok(self)
    }

    fn with(
        trusted: Arc<RootCertStore>,
        shown: Option<Identity>,
        name: Option<ServerName<'static>>,
        parts: ClientParts,
    ) -> Result<Self> {
        let wrong = |error| wrong("a client cannot have these certificates", error);
        let verifier =
            WebPkiServerVerifier::builder_with_provider(Arc::clone(&trusted), provider()).build();
        let config = ClientConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&TLS13])
            .map_err(wrong)?
            .with_webpki_verifier(verifier.map_err(|e| wrong(general(&e)))?);
        let mut config = match &shown {
            None => config.with_no_client_auth(),
            Some(shown) => config
                .with_client_auth_cert(shown.chain.clone(), shown.key.clone_key())
                .map_err(wrong)?,
        };
        config.resumption = Resumption::disabled();
        Ok(Self { trusted, shown, name, parts, config: Arc::new(config) })
    }
}

impl Identity {
    fn read(certificates: &[u8], key: &[u8]) -> Result<Self> {
        let chain = read_certificates(certificates)?;
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| {
            let text = "there is no private key as PEM, or it is encrypted";
            Error::with_source(ErrorKind::InvalidArgument, text, error)
        })?;
        Ok(Self { chain, key: Arc::new(key) })
    }
}

/// The one that needs nothing but a C compiler.
fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

fn read_certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>> {
    let unread = |error| {
        let text = "the certificates cannot be read as PEM";
        Error::with_source(ErrorKind::InvalidArgument, text, error)
    };
    let all: Vec<_> =
        CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>().map_err(unread)?;
    if all.is_empty() {
        let text = "there is no certificate: it begins with -----BEGIN CERTIFICATE-----";
        return Err(Error::new(ErrorKind::InvalidArgument, text));
    }
    Ok(all)
}

fn trusted(pem: &[u8]) -> Result<Arc<RootCertStore>> {
    let mut store = RootCertStore::empty();
    for certificate in read_certificates(pem)? {
        store
            .add(certificate)
            .map_err(|error| wrong("a certificate to trust cannot be read", error))?;
    }
    Ok(Arc::new(store))
}

/// A host as certificates name it.
fn named(host: &str) -> Result<ServerName<'static>> {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    ServerName::try_from(bare.to_owned()).map_err(|error| {
        let text =
            format!("{host:?} is no name that a certificate can be for: set one by `server_name`");
        Error::with_source(ErrorKind::InvalidArgument, text, error)
    })
}

fn general(error: &impl fmt::Display) -> rustls::Error {
    rustls::Error::General(error.to_string())
}

fn wrong(text: &str, error: rustls::Error) -> Error {
    Error::with_source(ErrorKind::InvalidArgument, format!("{text}: {error}"), error)
}

impl fmt::Debug for TlsServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let certificates = self.shown.chain.len();
        f.debug_struct("TlsServer").field("certificates", &certificates).finish_non_exhaustive()
    }
}

impl fmt::Debug for TlsClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("TlsClient");
        debug.field("trusted", &self.trusted.len()).field("shows", &self.shown.is_some());
        debug.field("name", &self.name).finish_non_exhaustive()
    }
}
