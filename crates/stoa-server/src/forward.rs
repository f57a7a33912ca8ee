//! Methods of `AsyncWrite` that a wrapper only passes on.

/// Defines these methods of [`AsyncWrite`](tokio::io::AsyncWrite) by those of the field `stream`, which is `Unpin`.
macro_rules! forward {
    ($($method:ident),+) => { $(crate::forward::forward!(@ $method);)+ };
    (@ write) => {
        fn poll_write(
            self: std::pin::Pin<&mut Self>,
            cx: &mut std::task::Context<'_>,
            bytes: &[u8],
        ) -> std::task::Poll<std::io::Result<usize>> {
            std::pin::Pin::new(&mut self.get_mut().stream).poll_write(cx, bytes)
        }
    };
    (@ write_vectored) => {
        fn poll_write_vectored(
            self: std::pin::Pin<&mut Self>,
            cx: &mut std::task::Context<'_>,
            pieces: &[std::io::IoSlice<'_>],
        ) -> std::task::Poll<std::io::Result<usize>> {
            std::pin::Pin::new(&mut self.get_mut().stream).poll_write_vectored(cx, pieces)
        }

        crate::forward::forward!(@ is_write_vectored);
    };
    (@ is_write_vectored) => {
        fn is_write_vectored(&self) -> bool {
            self.stream.is_write_vectored()
        }
    };
    (@ flush) => { crate::forward::forward!(@@ poll_flush); };
    (@ shutdown) => { crate::forward::forward!(@@ poll_shutdown); };
    (@@ $poll:ident) => {
        fn $poll(
            self: std::pin::Pin<&mut Self>,
            cx: &mut std::task::Context<'_>,
        ) -> std::task::Poll<std::io::Result<()>> {
            std::pin::Pin::new(&mut self.get_mut().stream).$poll(cx)
        }
    };
}

pub(crate) use forward;
