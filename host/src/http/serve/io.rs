//! A peer's socket with limited patience in both directions, below hyper.
//!
//! It owns the deadlines of heads, of idle connections and of writing, and the way a connection is
//! closed. It knows whose turn it is from [`Turn`], which the service above hyper keeps, and from
//! hyper flushing; so it also knows which bytes are hyper's own answer to a head that cannot be read,
//! and puts a problem document in their place. It never parses a request.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Sleep;

use super::{Limits, refusal};

/// How long, and for how many bytes, a connection that ends with an answer before the request was read
/// is kept for the peer to read that answer: closing with unread bytes would reset it away.
const LINGER: Duration = Duration::from_secs(1);
const LINGER_BYTES: usize = 256 * 1024;

/// Whose turn it is on a connection: kept by the service, read by the socket.
#[derive(Debug, Default)]
pub(super) struct Turn {
    /// Requests begun.
    begun: AtomicU64,
    /// Requests answered.
    ended: AtomicU64,
    /// A request's body paused for too long, and the peer was not told yet.
    is_late: AtomicBool,
    /// A request's body was not read to its end.
    is_left: AtomicBool,
}

impl Turn {
    pub(super) fn began(&self) {
        self.begun.fetch_add(1, Ordering::AcqRel);
    }

    pub(super) fn ended(&self) {
        self.ended.fetch_add(1, Ordering::AcqRel);
    }

    pub(super) fn body_was_late(&self) {
        self.is_late.store(true, Ordering::Release);
        self.body_was_left();
    }

    pub(super) fn body_was_left(&self) {
        self.is_left.store(true, Ordering::Release);
    }

    pub(super) fn take_late(&self) -> bool {
        self.is_late.swap(false, Ordering::AcqRel)
    }
}

/// The socket.
pub(super) struct PatientIo {
    stream: TcpStream,
    turn: Arc<Turn>,
    header_timeout: Duration,
    keep_alive_timeout: Duration,
    write_timeout: Duration,
    /// Requests begun when it was last looked.
    seen: u64,
    /// Everything is answered and flushed: what comes is a head, what goes out is hyper's own.
    is_between: bool,
    /// Bytes of the next head have come.
    has_begun: bool,
    /// When the peer must have sent what is awaited.
    read_deadline: Option<Pin<Box<Sleep>>>,
    /// Runs while the peer takes nothing.
    write_deadline: Option<Pin<Box<Sleep>>>,
    /// What goes out in place of hyper's own answer, and how far it has gone.
    instead: Option<(Vec<u8>, usize)>,
    /// How the end goes on, once it has begun.
    linger: Option<Linger>,
}

struct Linger {
    deadline: Pin<Box<Sleep>>,
    read: usize,
}

impl PatientIo {
    pub(super) fn new(stream: TcpStream, limits: &Limits, turn: Arc<Turn>) -> Self {
        Self {
            stream,
            turn,
            header_timeout: limits.header_timeout,
            keep_alive_timeout: limits.keep_alive_timeout,
            write_timeout: limits.write_timeout,
            seen: 0,
            is_between: true,
            has_begun: false,
            read_deadline: Some(Box::pin(tokio::time::sleep(limits.header_timeout))),
            write_deadline: None,
            instead: None,
            linger: None,
        }
    }

    /// Leaves the time between requests when one has begun.
    fn look(&mut self) {
        let begun = self.turn.begun.load(Ordering::Acquire);
        if begun != self.seen {
            self.seen = begun;
            self.is_between = false;
            self.has_begun = false;
            self.read_deadline = None;
        }
    }

    /// Enters the time between requests when all are answered; called when nothing is left to write.
    fn rest(&mut self, cx: &mut Context<'_>) {
        self.look();
        if !self.is_between && self.turn.ended.load(Ordering::Acquire) == self.seen {
            self.is_between = true;
            let mut deadline = Box::pin(tokio::time::sleep(self.keep_alive_timeout));
            // hyper does not read again now; the deadline itself has to wake it.
            if deadline.as_mut().poll(cx).is_ready() {
                cx.waker().wake_by_ref();
            }
            self.read_deadline = Some(deadline);
        }
    }

    /// Bytes have come.
    fn heard(&mut self) {
        if self.is_between && !self.has_begun {
            self.has_begun = true;
            // The first head of a connection has its deadline since the connection came.
            if self.seen > 0 {
                self.read_deadline = Some(Box::pin(tokio::time::sleep(self.header_timeout)));
            }
        }
    }

    /// Nothing comes: whether to wait on. An end without a head is a peer that left, for hyper.
    fn poll_patience(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some(deadline) = self.read_deadline.as_mut().filter(|_| self.is_between) else { return Poll::Pending };
        ready!(deadline.as_mut().poll(cx));
        self.read_deadline = None;
        if !self.has_begun {
            return Poll::Ready(Ok(()));
        }
        // Nothing else is being written, so this little fits into the socket or the peer is no loss.
        let _ = self.stream.try_write(&refusal::late_head());
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the head of a request did not come in time")))
    }

    /// The outcome of a write, unless the peer has taken nothing for too long.
    fn poll_taken(&mut self, cx: &mut Context<'_>, taken: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if taken.is_ready() {
            self.write_deadline = None;
            return taken;
        }
        let timeout = self.write_timeout;
        let deadline = self.write_deadline.get_or_insert_with(|| Box::pin(tokio::time::sleep(timeout)));
        ready!(deadline.as_mut().poll(cx));
        // What the kernel still holds for this peer goes too.
        let _ = self.stream.set_zero_linger();
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the peer took nothing for too long")))
    }

    /// Takes hyper's own answer out of the way. Whether these bytes were that.
    fn swap(&mut self, first: &[u8]) -> bool {
        self.look();
        if !self.is_between {
            return false;
        }
        if self.instead.is_none() {
            self.instead = refusal::instead_of(first).map(|answer| (answer, 0));
        }
        self.instead.is_some()
    }

    fn poll_instead(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some((answer, at)) = self.instead.as_ref().filter(|(answer, at)| *at < answer.len()) {
            let taken = Pin::new(&mut self.stream).poll_write(cx, &answer[*at..]);
            let count = ready!(self.poll_taken(cx, taken))?;
            if let Some((_, at)) = &mut self.instead {
                *at += count;
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Reads what the peer still sends, and forgets it, until the peer has closed or long enough.
    fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(linger) = &mut self.linger else { return Poll::Ready(()) };
        let mut scratch = [0; 4096];
        while linger.read < LINGER_BYTES {
            let mut buffer = ReadBuf::new(&mut scratch);
            match Pin::new(&mut self.stream).poll_read(cx, &mut buffer) {
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() => linger.read += buffer.filled().len(),
                Poll::Ready(_) => return Poll::Ready(()),
                Poll::Pending => return linger.deadline.as_mut().poll(cx),
            }
        }
        Poll::Ready(())
    }
}

impl AsyncRead for PatientIo {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.look();
        let before = buffer.filled().len();
        match Pin::new(&mut self.stream).poll_read(cx, buffer) {
            Poll::Pending => self.poll_patience(cx),
            ready @ Poll::Ready(_) => {
                if buffer.filled().len() > before {
                    self.heard();
                }
                ready
            }
        }
    }
}

impl AsyncWrite for PatientIo {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.swap(bytes) {
            return Poll::Ready(Ok(bytes.len()));
        }
        let taken = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.poll_taken(cx, taken)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.swap(pieces.first().map_or(&[], |piece| piece)) {
            return Poll::Ready(Ok(pieces.iter().map(|piece| piece.len()).sum()));
        }
        let taken = Pin::new(&mut self.stream).poll_write_vectored(cx, pieces);
        self.poll_taken(cx, taken)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_instead(cx))?;
        self.rest(cx);
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_instead(cx))?;
        if self.linger.is_none() {
            ready!(Pin::new(&mut self.stream).poll_shutdown(cx))?;
            if self.instead.is_none() && !self.turn.is_left.load(Ordering::Acquire) {
                return Poll::Ready(Ok(()));
            }
            self.linger = Some(Linger { deadline: Box::pin(tokio::time::sleep(LINGER)), read: 0 });
        }
        ready!(self.poll_linger(cx));
        Poll::Ready(Ok(()))
    }
}

/// Answers before there is a request, and closes so that the answer arrives.
pub(super) async fn answer_and_close(mut stream: TcpStream, answer: &[u8]) {
    use tokio::io::AsyncReadExt as _;
    let told = async {
        stream.write_all(answer).await?;
        stream.shutdown().await?;
        let mut scratch = [0; 1024];
        let mut read = 0;
        while read < LINGER_BYTES {
            match stream.read(&mut scratch).await? {
                0 => break,
                count => read += count,
            }
        }
        io::Result::Ok(())
    };
    // A peer that does not listen to being turned away has lost nothing.
    let _ = tokio::time::timeout(LINGER, told).await;
}
