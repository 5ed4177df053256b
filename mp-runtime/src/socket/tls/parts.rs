//! What a `TlsServer` and a `TlsClient` were made of, for another process of the program to make the same: a manager's server, and
//! whoever is given a proxy. Not public: a key goes by nobody's serialiser.

use crate::error::Result;
use crate::socket::{TlsClient, TlsServer};
use serde::{Deserialize, Serialize};

/// As PEM.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct ServerParts {
    certificates: Vec<u8>,
    key: Vec<u8>,
    clients: Option<Vec<u8>>,
}

/// As PEM.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ClientParts {
    trusted: Vec<u8>,
    shown: Option<(Vec<u8>, Vec<u8>)>,
    name: Option<String>,
}

impl ServerParts {
    pub(super) fn new(certificates: &[u8], key: &[u8]) -> Self {
        Self { certificates: certificates.to_vec(), key: key.to_vec(), clients: None }
    }

    pub(super) fn clients(self, certificates: &[u8]) -> Self {
        Self { clients: Some(certificates.to_vec()), ..self }
    }

    /// # Errors
    ///
    /// None that was not there when they were taken.
    pub(crate) fn whole(&self) -> Result<TlsServer> {
        let server = TlsServer::new(&self.certificates, &self.key)?;
        match &self.clients {
            Some(certificates) => server.client_ca(certificates),
            None => Ok(server),
        }
    }
}

impl ClientParts {
    pub(super) fn new(trusted: &[u8]) -> Self {
        Self { trusted: trusted.to_vec(), shown: None, name: None }
    }

    pub(super) fn shown(self, certificates: &[u8], key: &[u8]) -> Self {
        Self { shown: Some((certificates.to_vec(), key.to_vec())), ..self }
    }

    pub(super) fn named(self, name: &str) -> Self {
        Self { name: Some(name.to_owned()), ..self }
    }

    /// # Errors
    ///
    /// None that was not there when they were taken.
    pub(crate) fn whole(&self) -> Result<TlsClient> {
        let mut client = TlsClient::new(&self.trusted)?;
        if let Some((certificates, key)) = &self.shown {
            client = client.identity(certificates, key)?;
        }
        match &self.name {
            Some(name) => client.server_name(name),
            None => Ok(client),
        }
    }
}

impl TlsServer {
    pub(crate) fn parts(&self) -> ServerParts {
        self.parts.clone()
    }
}

impl TlsClient {
    pub(crate) fn parts(&self) -> ClientParts {
        self.parts.clone()
    }
}
