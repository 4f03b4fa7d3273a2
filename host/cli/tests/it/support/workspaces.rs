//! What stands for HCP Terraform: a server on loopback that has plans and receives results.

use serde_json::Value;
use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A call that the server received.
#[derive(Debug)]
pub struct Received {
    pub line: String,
    pub headers: Vec<String>,
    pub body: String,
}

/// An answer to a call.
pub struct Reply {
    pub status: u16,
    pub headers: String,
    pub body: Vec<u8>,
}

/// The replies of each path that are left.
type Replies = Vec<(String, VecDeque<Reply>)>;

/// The server. It answers each path with the replies that were set for it, the last one again and again.
pub struct Workspaces {
    pub host: String,
    replies: Arc<Mutex<Replies>>,
    received: Mutex<Receiver<Received>>,
}

impl Received {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then_some(value.trim())
        })
    }
}

impl Workspaces {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let (sender, received) = channel();
        let replies = Arc::default();
        let shared = Arc::clone(&replies);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (sender, replies) = (sender.clone(), Arc::clone(&shared));
                std::thread::spawn(move || answer(stream, &sender, &replies));
            }
        });
        Self { host, replies, received: Mutex::new(received) }
    }

    /// Sets what a path is answered with.
    pub fn set(&self, path: &str, replies: Vec<Reply>) {
        let mut all = self.replies.lock().unwrap();
        all.retain(|(other, _)| other != path);
        all.push((path.to_owned(), replies.into()));
    }

    /// Waits for the next call to a path. Calls to others are dropped.
    pub fn next(&self, path: &str) -> Received {
        loop {
            let received = self.received.lock().unwrap().recv_timeout(Duration::from_secs(60)).expect("a call");
            if received.line.contains(path) {
                return received;
            }
        }
    }

    /// Whether nothing was received for a while.
    pub fn is_silent(&self) -> bool {
        self.received.lock().unwrap().recv_timeout(Duration::from_millis(700)).is_err()
    }
}

pub fn reply(status: u16, body: impl Into<Vec<u8>>) -> Reply {
    Reply { status, headers: String::new(), body: body.into() }
}

pub fn redirection(to: &str) -> Reply {
    Reply { status: 307, headers: format!("Location: {to}\r\n"), body: Vec::new() }
}

fn answer(stream: TcpStream, sender: &Sender<Received>, replies: &Mutex<Replies>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 {
            return;
        }
        match line.trim_end() {
            "" => break,
            text => lines.push(text.to_owned()),
        }
    }
    let mut received = Received { line: lines.remove(0), headers: lines, body: String::new() };
    let length = received.header("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    received.body = String::from_utf8(body).unwrap();
    let path = received.line.split(' ').nth(1).unwrap().to_owned();
    let reply = {
        let mut all = replies.lock().unwrap();
        match all.iter_mut().find(|(known, _)| *known == path) {
            None => reply(404, ""),
            Some((_, left)) if left.len() > 1 => left.pop_front().unwrap(),
            Some((_, left)) => {
                let last = left.front().unwrap();
                Reply { status: last.status, headers: last.headers.clone(), body: last.body.clone() }
            }
        }
    };
    // The call is known before its answer is, so that a test that has the answer has the call.
    drop(sender.send(received));
    let mut stream = stream;
    let head = format!(
        "HTTP/1.1 {} x\r\n{}Content-Length: {}\r\nConnection: close\r\n\r\n",
        reply.status,
        reply.headers,
        reply.body.len()
    );
    // A client may have had enough before the end.
    drop(stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&reply.body)));
}
