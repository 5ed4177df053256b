//! Handshakes between two sides in one thread, and messages that no honest side sends.

use super::{CHALLENGE, Digests, FAILURE, Handshake, MD5, Refusal, SHA256, Side, Step, WELCOME};
use crate::error::ErrorKind;

fn side(key: &str, side: Side, digests: Digests) -> Handshake {
    Handshake::new(key.into(), side, digests)
}

fn listener(key: &str, digests: Digests) -> (Handshake, Vec<u8>) {
    let mut listener = side(key, Side::Listener, digests);
    let challenge = listener.begin().unwrap().expect("it begins");
    (listener, challenge)
}

fn client(key: &str, digests: Digests) -> Handshake {
    let mut client = side(key, Side::Client, digests);
    assert!(client.begin().unwrap().is_none());
    client
}

fn refused(outcome: Result<Step, Refusal>) -> (String, Option<&'static [u8]>) {
    let refusal = outcome.expect_err("it is refused");
    assert_eq!(refusal.error.kind(), ErrorKind::Authentication);
    (refusal.error.to_string(), refusal.send)
}

fn sent(outcome: Result<Step, Refusal>) -> Vec<u8> {
    let step = outcome.expect("it goes on");
    assert!(!step.done);
    step.send.expect("something is sent")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn answers_are_those_of_python() {
    let challenge = [CHALLENGE, SHA256, &[9; 40]].concat();
    let answer = sent(client("secret", Digests::Sha256).receive(&challenge));
    let mac = answer.strip_prefix(SHA256).expect("the digest is named");
    // Python's hmac.new(b"secret", b"{sha256}" + bytes([9] * 40), "sha256")
    assert_eq!(hex(mac), "ef7c89107f709510dabcbbf7ec6ceaf3f34f2f708e6a79a854c1608337c65087");
}

#[test]
fn equal_keys_pass_both_ways() {
    for key in ["secret", "", &"long".repeat(100)] {
        let (mut listener, challenge) = listener(key, Digests::Sha256);
        let mut client = client(key, Digests::Sha256);
        assert!(challenge.starts_with(b"#CHALLENGE#{sha256}") && challenge.len() == 11 + 8 + 40);
        let answer = sent(client.receive(&challenge));
        assert!(answer.starts_with(SHA256) && answer.len() == 8 + 32);
        let welcome = sent(listener.receive(&answer));
        assert_eq!(welcome, WELCOME);
        let other = sent(client.receive(&welcome));
        assert_ne!(other, challenge);
        let answer = sent(listener.receive(&other));
        let last = client.receive(&answer).unwrap();
        assert!(last.done);
        assert!(listener.receive(&last.send.expect("the verdict")).unwrap().done);
        refused(listener.receive(WELCOME));
    }
}

#[test]
fn another_key_fails_on_both_sides() {
    let (mut listener, challenge) = listener("secret", Digests::Sha256);
    let mut client = client("Secret", Digests::Sha256);
    let (text, send) = refused(listener.receive(&sent(client.receive(&challenge))));
    assert!(text.contains("another key") && send == Some(FAILURE), "{text}");
    let (text, send) = refused(client.receive(FAILURE));
    assert!(text.contains("another key") && send.is_none(), "{text}");
}

#[test]
fn a_listener_that_only_says_welcome_is_refused() {
    let mut client = client("secret", Digests::Sha256);
    let challenge = [CHALLENGE, SHA256, &[1; 40]].concat();
    sent(client.receive(&challenge));
    sent(client.receive(WELCOME));
    refused(client.receive(&[SHA256, &[0; 32]].concat()));
}

#[test]
fn a_recorded_answer_is_refused() {
    let (_, challenge) = listener("secret", Digests::Sha256);
    let recorded = sent(client("secret", Digests::Sha256).receive(&challenge));
    let (mut second, other) = listener("secret", Digests::Sha256);
    assert_ne!(challenge, other);
    refused(second.receive(&recorded));
}

#[test]
fn one_that_knows_only_md5_is_refused_unless_allowed() {
    let old = [CHALLENGE, &[9; 20]].concat();
    let (text, _) = refused(client("secret", Digests::Sha256).receive(&old));
    assert!(text.contains("allow_md5"), "{text}");
    let answer = sent(client("secret", Digests::Md5Too).receive(&old));
    // Python's hmac.new(b"secret", bytes([9] * 20), "md5")
    assert_eq!(hex(&answer), "217fab411a0df7853334a70fbaa340b3");

    let (mut strict, _) = listener("secret", Digests::Sha256);
    let (text, send) = refused(strict.receive(&answer));
    assert!(text.contains("allow_md5") && send == Some(FAILURE), "{text}");

    let named = [CHALLENGE, MD5, &[9; 40]].concat();
    refused(client("secret", Digests::Sha256).receive(&named));
    assert!(sent(client("secret", Digests::Md5Too).receive(&named)).starts_with(MD5));
}

#[test]
fn an_old_answer_is_of_the_whole_challenge() {
    let (mut allows, challenge) = listener("secret", Digests::Md5Too);
    let whole = challenge.strip_prefix(CHALLENGE).expect("it begins so");
    let answer = super::mac::<hmac::Hmac<md5::Md5>>(&"secret".into(), whole).unwrap();
    assert_eq!(sent(allows.receive(&answer)), WELCOME);
}

#[test]
fn unknown_digests_and_malformed_messages_are_refused() {
    let challenges: [&[u8]; 6] = [
        b"",
        b"#CHALLENGE#",
        b"#CHALLENGE#{sha256}short",
        b"#WELCOME#",
        b"#CHALLENGE#{sha384}0123456789012345678901234567890123456789",
        b"#CHALLENGE#0123456789012345678901234567890123456789",
    ];
    for challenge in challenges {
        refused(client("secret", Digests::Md5Too).receive(challenge));
    }
    let answers: [&[u8]; 5] =
        [b"", b"{sha256}", b"{sha384}x", b"0123456789012345", b"{md5}0123456789012345"];
    for answer in answers {
        let (mut listener, _) = listener("secret", Digests::Md5Too);
        assert_eq!(refused(listener.receive(answer)).1, Some(FAILURE));
    }
}
