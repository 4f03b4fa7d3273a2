//! Connections: their number, how long a client may take, TLS, and the end of all of them.

use crate::app::{App, MAX_RUNS};
use crate::guard::Connection;
use crate::tls::common_name;
use axum::Router;
use axum::body::Body;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt;

/// How long a client may take for the headers of a call, and for the handshake of TLS. A connection without a call ends then, too.
const HEADERS: Duration = Duration::from_secs(30);

/// How long calls may take after the service was told to stop.
const DRAIN: Duration = Duration::from_secs(60);

/// Raises the number of files that this process may open, as far as the system allows: each connection is one.
fn raise_open_files() {
    let limit = getrlimit(Resource::Nofile);
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }) {
        tracing::warn!("the number of open files stays {:?}: {error}", limit.current);
    }
}

/// Serves connections until `stop` is ready, and then finishes the calls that run.
pub(crate) async fn listen(app: Arc<App>, router: Router, listener: TcpListener, stop: impl Future<Output = ()>) {
    raise_open_files();
    let places = Arc::new(Semaphore::new(app.limits.connections));
    let graceful = GracefulShutdown::new();
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEADERS);
    builder.http2().timer(TokioTimer::new()).keep_alive_interval(Some(HEADERS)).max_concurrent_streams(64);
    let mut stop = std::pin::pin!(stop);
    loop {
        // A connection is accepted only when there is a place for it. Others wait in the queue of the operating system.
        let accepted = async {
            let place = Arc::clone(&places).acquire_owned().await;
            (place, listener.accept().await)
        };
        let (place, stream) = tokio::select! {
            (place, accepted) = accepted => match (place, accepted) {
                (Ok(place), Ok((stream, _))) => (place, stream),
                (_, Err(error)) => {
                    tracing::warn!("a connection was not accepted: {error}");
                    // Such as too many open files: others have to end first.
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
                (Err(_), _) => break,
            },
            () = &mut stop => break,
        };
        // An answer is one small write; waiting for more only delays it.
        drop(stream.set_nodelay(true));
        let (router, builder, watcher) = (router.clone(), builder.clone(), graceful.watcher());
        let tls = app.live().tls.clone();
        tokio::spawn(async move {
            match tls {
                None => serve(router, builder, watcher, stream, Connection::default()).await,
                Some(tls) => {
                    if let Ok(Ok(stream)) = timeout(HEADERS, TlsAcceptor::from(tls.0).accept(stream)).await {
                        let certificates = stream.get_ref().1.peer_certificates().unwrap_or_default();
                        let connection = Connection { certificate: certificates.first().and_then(common_name) };
                        serve(router, builder, watcher, stream, connection).await;
                    }
                }
            }
            drop(place);
        });
    }
    app.close();
    drop(listener);
    let finished = async {
        graceful.shutdown().await;
        // A run task has the place until its result was sent.
        drop(app.runs.acquire_many(MAX_RUNS).await);
    };
    if timeout(DRAIN, finished).await.is_err() {
        tracing::warn!("calls still run after {} s, and are given up", DRAIN.as_secs());
    }
}

/// Serves one connection to its end.
async fn serve(
    router: Router,
    builder: Builder<TokioExecutor>,
    watcher: Watcher,
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    connection: Connection,
) {
    let service = service_fn(move |request: Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(connection.clone());
        router.clone().oneshot(request)
    });
    // A client that goes away is no error of the service.
    drop(watcher.watch(builder.serve_connection(TokioIo::new(stream), service).into_owned()).await);
}
