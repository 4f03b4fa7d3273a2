//! The service under load: `cargo bench -p reprieve-cli --bench service -- [SECONDS] [LEDGER|ADDRESS]`.
//!
//! One process of the service on two cores, with the client on the same machine. Each call is a batch of ten targets with
//! nine policies, and every decision is recorded. `LEDGER` is the URL of an empty PostgreSQL database; without it, SQLite.
//! `ADDRESS` is that of a server that runs already.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// The service and its address.
struct Service(Child, String);

impl Drop for Service {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn reprieve(folder: &Path, line: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_reprieve"));
    command.current_dir(folder).args(line.split_whitespace());
    command
}

fn start(folder: &Path) -> Service {
    let mut child = reprieve(folder, "serve --listen 127.0.0.1:0 --log json").stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
    let line = lines.find(|line| line.contains("listening on")).expect("the service starts");
    let address = line.split("http://").nth(1).unwrap().split('"').next().unwrap().to_owned();
    std::thread::spawn(move || lines.for_each(drop));
    Service(child, address)
}

fn body(n: u64) -> String {
    let targets: Vec<String> =
        (0..10).map(|i| format!(r#"{{"id":"a-{n}-{i}","kind":"app","tenant":"t-{n}"}}"#)).collect();
    format!(
        r#"{{"id":"r-{n}","mode":"soft","environment":"staging","target_kind":"app","campaign":"c-{n}","targets":[{}]}}"#,
        targets.join(",")
    )
}

/// Sends a call on a connection that is kept, and returns the status.
fn call(stream: &mut BufReader<TcpStream>, body: &str) -> u16 {
    let head = format!(
        "POST /v1/decisions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.get_mut().write_all((head + body).as_bytes()).unwrap();
    let (mut line, mut status, mut length) = (String::new(), 0, 0);
    loop {
        line.clear();
        stream.read_line(&mut line).unwrap();
        let lower = line.to_ascii_lowercase();
        if let Some(rest) = lower.strip_prefix("http/1.1 ") {
            status = rest[..3].parse().unwrap();
        }
        if let Some(rest) = lower.strip_prefix("content-length:") {
            length = rest.trim().parse().unwrap();
        }
        if line == "\r\n" {
            break;
        }
    }
    let mut rest = vec![0; length];
    stream.read_exact(&mut rest).unwrap();
    status
}

/// Calls at a rate from several connections, or as fast as they answer. The time of a call begins when it is due, so a
/// service that falls behind shows it.
fn load(
    address: &str,
    connections: u64,
    rate: Option<f64>,
    length: Duration,
    next: &AtomicU64,
) -> (f64, Vec<Duration>, u64) {
    let begun = Instant::now();
    let threads: Vec<_> = std::thread::scope(|scope| {
        let one = |number: u64| {
            let mut stream = BufReader::new(TcpStream::connect(address).unwrap());
            stream.get_ref().set_nodelay(true).unwrap();
            let (mut times, mut errors, mut k) = (Vec::new(), 0, 0_u64);
            loop {
                let mut due = Instant::now();
                if let Some(rate) = rate {
                    let offset = (k * connections + number) as f64 / rate;
                    due = begun + Duration::from_secs_f64(offset);
                    std::thread::sleep(due.saturating_duration_since(Instant::now()));
                }
                if begun.elapsed() > length {
                    return (times, errors);
                }
                let status = call(&mut stream, &body(next.fetch_add(1, Ordering::Relaxed)));
                errors += u64::from(!matches!(status, 200 | 403));
                times.push(due.elapsed());
                k += 1;
            }
        };
        let threads: Vec<_> = (0..connections).map(|number| scope.spawn(move || one(number))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let errors = threads.iter().map(|(_, errors)| errors).sum();
    let mut times: Vec<Duration> = threads.into_iter().flat_map(|(times, _)| times).collect();
    times.sort_unstable();
    (times.len() as f64 / begun.elapsed().as_secs_f64(), times, errors)
}

/// The resident memory of a process in MiB.
fn resident(child: &Child) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok()).unwrap_or_default() / 1024
}

fn main() {
    let mut arguments = std::env::args().skip(1).filter(|argument| !argument.starts_with("--"));
    let seconds = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(10);
    let other = arguments.next();
    if let Some(address) = other.as_deref().filter(|other| other.parse::<std::net::SocketAddr>().is_ok()) {
        return measure(address, None, seconds);
    }
    let folder = tempfile::tempdir().unwrap();
    assert!(reprieve(folder.path(), "init").stdout(Stdio::null()).status().unwrap().success());
    let config = folder.path().join("reprieve.toml");
    if let Some(url) = other {
        let text = std::fs::read_to_string(&config).unwrap();
        std::fs::write(&config, format!("ledger = \"{url}\"\n{text}")).unwrap();
    }
    assert!(reprieve(folder.path(), "ledger new").stdout(Stdio::null()).status().unwrap().success());
    let begun = Instant::now();
    let service = start(folder.path());
    println!("started in {:.0} ms", begun.elapsed().as_secs_f64() * 1e3);
    measure(&service.1, Some(&service.0), seconds);
}

/// Prints a line for each load. The memory of a server that ran already is not known.
fn measure(address: &str, child: Option<&Child>, seconds: u64) {
    let next = AtomicU64::new(0);
    println!(
        "{:>12} {:>12} {:>10} {:>10} {:>10} {:>7} {:>9}",
        "connections", "rate", "median ms", "p99 ms", "max ms", "errors", "MiB"
    );
    for (connections, rate) in
        [(1, None), (8, Some(250.0)), (8, Some(500.0)), (16, Some(1000.0)), (4, None), (16, None), (64, None)]
    {
        let (seen, times, errors) = load(address, connections, rate, Duration::from_secs(seconds), &next);
        let at = |q: f64| times[((times.len() - 1) as f64 * q) as usize].as_secs_f64() * 1e3;
        let resident = child.map_or(0, resident);
        println!(
            "{connections:>12} {seen:>10.0}/s {:>10.2} {:>10.2} {:>10.2} {errors:>7} {resident:>9}",
            at(0.5),
            at(0.99),
            at(1.0)
        );
    }
}
