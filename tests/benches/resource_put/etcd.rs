//! An etcd of one member, started for the measurement, and as much of its protocol as a
//! compare-and-set put takes: gRPC frames and a dozen protobuf fields (etcd's `rpc.proto`), by hand,
//! so that the client costs no more than ours does.

use std::net::{SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use bytes::Bytes;
use e2e::scratch::Scratch;
use h2::client::SendRequest;
use http::{HeaderValue, Method, Request};
use tokio::net::TcpStream;

/// A running etcd, killed when dropped.
pub struct Etcd {
    process: Child,
    address: SocketAddr,
    _directory: Scratch,
}

impl Drop for Etcd {
    fn drop(&mut self) {
        // It may have ended by itself; its directory goes either way.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Etcd {
    /// Starts one on loopback, its data beside the other side's; `None` when none is installed.
    pub async fn start() -> Option<Self> {
        let directory = Scratch::new("etcd");
        let [address, peer] = [free_address(), free_address()];
        let (url, peer_url) = (format!("http://{address}"), format!("http://{peer}"));
        let process = Command::new("etcd")
            .arg("--data-dir")
            .arg(directory.path())
            .args(["--listen-client-urls", &url, "--advertise-client-urls", &url])
            .args(["--listen-peer-urls", &peer_url, "--initial-advertise-peer-urls", &peer_url])
            .args(["--initial-cluster", &format!("default={peer_url}"), "--log-level", "error"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let etcd = Self { process, address, _directory: directory };
        for _ in 0..200 {
            if let Ok(mut client) = Client::connect(address).await
                && client.put("ready", b"1", 0).await.is_some()
            {
                return Some(etcd);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("etcd does not answer");
    }

    /// A connection of its own.
    pub async fn client(&self) -> Client {
        Client::connect(self.address).await.expect("etcd listens")
    }
}

fn free_address() -> SocketAddr {
    let socket = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    socket.local_addr().expect("a bound socket has an address")
}

/// One connection to etcd, which clones share.
#[derive(Clone)]
pub struct Client {
    send: SendRequest<Bytes>,
    address: SocketAddr,
}

impl Client {
    async fn connect(address: SocketAddr) -> Result<Self, Box<dyn std::error::Error>> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (send, connection) = h2::client::handshake(stream).await?;
        tokio::spawn(async move {
            // It ends with its client.
            let _ = connection.await;
        });
        Ok(Self { send, address })
    }

    /// Puts a value if the key was last changed at `mod_revision` (0: is absent); the revision of the
    /// put, or `None` when the comparison or the call failed.
    pub async fn put(&mut self, key: &str, value: &[u8], mod_revision: u64) -> Option<u64> {
        let request = Request::builder()
            .method(Method::POST)
            .uri(format!("http://{}/etcdserverpb.KV/Txn", self.address))
            .header("content-type", HeaderValue::from_static("application/grpc"))
            .header("te", HeaderValue::from_static("trailers"))
            .body(())
            .ok()?;
        let mut ready = self.send.clone().ready().await.ok()?;
        let (answer, mut body) = ready.send_request(request, false).ok()?;
        body.send_data(framed(&compare_and_put(key.as_bytes(), value, mod_revision)), true).ok()?;
        let mut answer = answer.await.ok()?.into_body();
        let mut message = Vec::new();
        while let Some(piece) = answer.data().await {
            let piece = piece.ok()?;
            answer.flow_control().release_capacity(piece.len()).ok()?;
            message.extend_from_slice(&piece);
        }
        revision_of(message.get(5..)?)
    }
}

/// A gRPC message: not compressed, its length, itself.
fn framed(message: &[u8]) -> Bytes {
    let length = u32::try_from(message.len()).expect("a small message");
    let mut frame = vec![0];
    frame.extend_from_slice(&length.to_be_bytes());
    frame.extend_from_slice(message);
    frame.into()
}

/// `TxnRequest { compare: [key.mod_revision == mod_revision], success: [put key value] }`.
fn compare_and_put(key: &[u8], value: &[u8], mod_revision: u64) -> Vec<u8> {
    const TARGET_MOD: u64 = 2;
    let mut compare = Vec::new();
    number(&mut compare, 2, TARGET_MOD);
    text(&mut compare, 3, key);
    number(&mut compare, 6, mod_revision);
    let mut put = Vec::new();
    text(&mut put, 1, key);
    text(&mut put, 2, value);
    let mut operation = Vec::new();
    text(&mut operation, 2, &put);
    let mut transaction = Vec::new();
    text(&mut transaction, 1, &compare);
    text(&mut transaction, 2, &operation);
    transaction
}

fn number(message: &mut Vec<u8>, field: u8, value: u64) {
    message.push(field << 3);
    varint(message, value);
}

fn text(message: &mut Vec<u8>, field: u8, value: &[u8]) {
    message.push(field << 3 | 2);
    varint(message, value.len() as u64);
    message.extend_from_slice(value);
}

fn varint(message: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        message.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    message.push(value.to_le_bytes()[0]);
}

/// `header.revision` of a `TxnResponse` that succeeded.
fn revision_of(message: &[u8]) -> Option<u64> {
    let (mut revision, mut succeeded) = (None, false);
    for (field, value) in fields(message) {
        match (field, value) {
            (1, Field::Text(header)) => {
                revision = fields(header).into_iter().find_map(|(field, value)| match (field, value) {
                    (3, Field::Number(revision)) => Some(revision),
                    _ => None,
                });
            }
            (2, Field::Number(value)) => succeeded = value == 1,
            _ => {}
        }
    }
    revision.filter(|_| succeeded)
}

enum Field<'m> {
    Number(u64),
    Text(&'m [u8]),
}

fn fields(mut message: &[u8]) -> Vec<(u64, Field<'_>)> {
    let mut fields = Vec::new();
    while let Some(tag) = read_varint(&mut message) {
        let value = match tag & 7 {
            0 => read_varint(&mut message).map(Field::Number),
            2 => read_varint(&mut message).and_then(|length| {
                let (value, rest) = message.split_at_checked(usize::try_from(length).ok()?)?;
                message = rest;
                Some(Field::Text(value))
            }),
            _ => None,
        };
        let Some(value) = value else { break };
        fields.push((tag >> 3, value));
    }
    fields
}

fn read_varint(message: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = message.split_first()?;
        *message = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}
