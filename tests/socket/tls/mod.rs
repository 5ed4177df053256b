//! TLS under the connections: what it shows and refuses, and that all else is as without it. The certificates are made by
//! `certificates/make`.

mod messages;
mod trust;

use super::{KEY, LONG, watched};
use std::time::Duration;

const SHORT: Duration = Duration::from_millis(100);
const TCP: &str = "tcp://127.0.0.1:0";

macro_rules! pem {
    ($name:literal) => {
        include_str!(concat!("../certificates/", $name))
    };
}

const AUTHORITY: &str = pem!("authority.pem");
const SERVER: (&str, &str) = (pem!("server.pem"), pem!("server.key"));
const CLIENT: (&str, &str) = (pem!("client.pem"), pem!("client.key"));
const ONE: (&str, &str) = (pem!("one.pem"), pem!("one.key"));
const ELSEWHERE: (&str, &str) = (pem!("elsewhere.pem"), pem!("elsewhere.key"));
const EXPIRED: (&str, &str) = (pem!("expired.pem"), pem!("expired.key"));
const ITSELF: (&str, &str) = (AUTHORITY, pem!("authority.key"));

fn shows((certificate, key): (&str, &str)) -> mp::ListenerBuilder {
    let tls = mp::TlsServer::new(certificate, key).expect("they fit");
    mp::Listener::builder().tls(tls)
}

fn trusts(certificates: &str) -> mp::ClientBuilder {
    mp::Client::builder().tls(mp::TlsClient::new(certificates).expect("they can be read"))
}

fn listener() -> mp::Listener {
    shows(SERVER).bind(TCP, KEY).expect("it listens")
}

fn joined(listener: &mp::Listener, address: impl ToString) -> (mp::Client, mp::Client) {
    let ours = trusts(AUTHORITY).connect(address.to_string(), KEY).expect("it lets us in");
    (ours, listener.accept_timeout(LONG).expect("it has connected"))
}

fn pair() -> (mp::Client, mp::Client) {
    let listener = listener();
    joined(&listener, listener.address())
}
