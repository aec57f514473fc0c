//! A client of HTTP/1.1 that costs next to nothing, for measuring servers: one connection, one
//! request after the other, nothing parsed that is not needed.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// A connection that is kept alive.
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// The address in `http://ADDR`.
///
/// # Panics
/// When there is none.
pub fn address(base: &str) -> SocketAddr {
    base.trim_start_matches("http://").parse().expect("a base is an address")
}

impl Connection {
    /// Connects.
    ///
    /// # Panics
    /// When nobody listens.
    pub async fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.expect("the server listens");
        stream.set_nodelay(true).expect("a connected socket takes options");
        Self { stream, buffer: Vec::with_capacity(16 * 1024) }
    }

    /// Posts JSON and reads the answer; its status and body.
    ///
    /// # Panics
    /// When the connection breaks.
    pub async fn post(&mut self, path: &str, token: &str, body: &str) -> (u16, Vec<u8>) {
        self.send("POST", path, token, body).await
    }

    /// Sends JSON and reads the answer; its status and body.
    ///
    /// # Panics
    /// When the connection breaks.
    pub async fn send(&mut self, method: &str, path: &str, token: &str, body: &str) -> (u16, Vec<u8>) {
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        self.stream.write_all(request.as_bytes()).await.expect("the server reads");
        self.buffer.clear();
        loop {
            let read = self.stream.read_buf(&mut self.buffer).await.expect("the server answers");
            assert!(read > 0, "the server closed the connection: {}", String::from_utf8_lossy(&self.buffer));
            let Some(head) = find(&self.buffer, b"\r\n\r\n") else { continue };
            let (status, length) = head_of(&self.buffer[..head]);
            if self.buffer.len() >= head + 4 + length {
                return (status, self.buffer[head + 4..head + 4 + length].to_vec());
            }
        }
    }

    /// Asks for a stream; what comes is read from the returned socket, the head included.
    pub async fn stream(mut self, path: &str, token: &str) -> TcpStream {
        let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n\r\n");
        self.stream.write_all(request.as_bytes()).await.expect("the server reads");
        self.stream
    }
}

/// Where `sought` begins.
pub fn find(text: &[u8], sought: &[u8]) -> Option<usize> {
    text.windows(sought.len()).position(|window| window == sought)
}

fn head_of(head: &[u8]) -> (u16, usize) {
    let head = String::from_utf8_lossy(head).to_ascii_lowercase();
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.trim().parse().ok());
    (status, length.unwrap_or(0))
}
