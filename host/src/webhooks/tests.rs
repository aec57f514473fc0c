//! What is connected to when names change their mind, and when a receiver wants to be asked again.

use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;
use crate::domain::webhook::Secret;

/// A courier that may reach 127.0.0.1, for whom every name leads where `answers` say, one after the other; and how
/// often it asked.
fn courier(answers: Vec<Vec<Ipv4Addr>>) -> (Courier, Arc<AtomicUsize>) {
    let asked = Arc::<AtomicUsize>::default();
    let counted = Arc::clone(&asked);
    let lookup: Lookup = Arc::new(move |_| {
        let found = answers.get(counted.fetch_add(1, Ordering::SeqCst)).cloned().unwrap_or_default();
        Box::pin(async move { Ok(found.into_iter().map(IpAddr::V4).collect()) })
    });
    let options = WebhookOptions { allow_private: vec!["127.0.0.1/32".parse().unwrap()], allow_http: true };
    (Courier::with_lookup(options, lookup).unwrap(), asked)
}

/// A receiver on every loopback address that takes what comes; its port, and how many connections it had.
async fn receiver() -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
    let (port, connections) = (listener.local_addr().unwrap().port(), Arc::<AtomicUsize>::default());
    let counted = Arc::clone(&connections);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(async move {
                let mut head = [0; 4096];
                let _ = stream.read(&mut head).await;
                let _ = stream.write_all(b"HTTP/1.1 204 Taken\r\n\r\n").await;
            });
        }
    });
    (port, connections)
}

async fn post(courier: &Courier, url: &str) -> Sent {
    let secret = Secret::of_bytes(&[7; 32]);
    courier.post(Letter { id: "dlv_1", url, secret: &secret, body: "{}", at: Timestamp(1_000) }).await
}

#[tokio::test]
async fn a_name_is_asked_for_once_an_attempt_and_only_what_was_looked_at_is_reached() {
    let here = Ipv4Addr::LOCALHOST;
    let inside = Ipv4Addr::new(127, 0, 0, 2);
    let (courier, asked) = courier(vec![vec![here], vec![inside], vec![here, inside], vec![], vec![here]]);
    let (port, connections) = receiver().await;
    let url = format!("http://hooks.example.com:{port}/");
    let taken = Sent::Answered { status: 204, retry_after_ms: None };
    assert_eq!(post(&courier, &url).await, taken);
    assert_eq!((asked.load(Ordering::SeqCst), connections.load(Ordering::SeqCst)), (1, 1));
    // It says something else the next time, or something else beside: nobody is connected to.
    for _ in 0..2 {
        let Sent::Refused(why) = post(&courier, &url).await else { panic!("it leads inside") };
        assert!(why.contains("loopback") && !why.contains("example"), "{why}");
    }
    let Sent::Unanswered(why) = post(&courier, &url).await else { panic!("nobody knows it") };
    assert!(why.contains("no address"), "{why}");
    assert_eq!(connections.load(Ordering::SeqCst), 1);
    assert_eq!(post(&courier, &url).await, taken, "what is right again is reached again");
    assert_eq!((asked.load(Ordering::SeqCst), connections.load(Ordering::SeqCst)), (5, 2));
}

#[tokio::test]
async fn an_address_that_is_no_longer_allowed_is_not_reached() {
    let (courier, asked) = courier(Vec::new());
    let (port, connections) = receiver().await;
    for url in [format!("http://127.0.0.2:{port}/"), format!("http://a:b@127.0.0.1:{port}/"), "ftp://x/".to_owned()] {
        assert!(matches!(post(&courier, &url).await, Sent::Refused(_)), "{url}");
    }
    let unsigned = Letter {
        id: "dlv_1",
        url: &format!("http://127.0.0.1:{port}/"),
        secret: &Secret::none(),
        body: "{}",
        at: Timestamp(0),
    };
    assert!(matches!(courier.post(unsigned).await, Sent::Refused(_)), "nothing leaves unsigned");
    assert_eq!((asked.load(Ordering::SeqCst), connections.load(Ordering::SeqCst)), (0, 0));
    let closed = post(&courier, "http://127.0.0.1:1/").await;
    assert!(matches!(&closed, Sent::Unanswered(why) if why.contains("connected")), "{closed:?}");
}

#[tokio::test]
async fn without_leave_only_https_is_spoken() {
    let (port, connections) = receiver().await;
    let allow_private = vec!["127.0.0.1/32".parse().unwrap()];
    let courier = Courier::new(WebhookOptions { allow_private, allow_http: false }).unwrap();
    let plain = post(&courier, &format!("http://127.0.0.1:{port}/")).await;
    assert!(matches!(&plain, Sent::Refused(why) if why.contains("webhook_allow_http")), "{plain:?}");
    assert_eq!(connections.load(Ordering::SeqCst), 0);
    let broken = post(&courier, &format!("https://127.0.0.1:{port}/")).await;
    assert!(matches!(broken, Sent::Unanswered(_)), "who does not speak TLS gets nothing: {broken:?}");
}

#[test]
fn a_wish_to_be_left_alone_is_seconds_or_a_date() {
    let of = |text: &str| {
        let headers = HeaderMap::from_iter([(RETRY_AFTER, text.parse().unwrap())]);
        retry_after(&headers, Timestamp(1_445_412_420_000))
    };
    assert_eq!(of("120"), Some(120_000));
    assert_eq!(of("18446744073709551615"), Some(u64::MAX));
    assert_eq!(of("Wed, 21 Oct 2015 07:28:00 GMT"), Some(60_000));
    assert_eq!(of("Wed, 21 Oct 2015 07:26:00 GMT"), Some(0), "it is over");
    for none in ["", "-1", "soon", "1.5"] {
        assert_eq!(of(none), None, "{none}");
    }
    assert_eq!(retry_after(&HeaderMap::new(), Timestamp(0)), None);
}
