//! A PostgreSQL server for tests: it runs in a temporary folder, listens on a socket there, and stops with the test.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Once;
use std::time::{Duration, Instant};

/// A running server.
pub struct Server {
    folder: tempfile::TempDir,
    binaries: PathBuf,
    child: Option<Child>,
    /// Further command-line options.
    options: Vec<String>,
    /// The socket in the folder is named after it. Nothing listens on the TCP port unless TLS is enabled.
    port: u16,
}

/// The maximum time that a server may take to start.
const START_TIMEOUT: Duration = Duration::from_secs(60);

impl Server {
    /// Creates a server and starts it.
    ///
    /// # Panics
    /// If PostgreSQL is not installed or does not start.
    #[allow(clippy::panic, clippy::expect_used)]
    pub fn start() -> Self {
        let binaries = binaries();
        let folder = tempfile::tempdir().expect("a temporary folder");
        if let Some((user, group)) = other_user() {
            chown(folder.path(), Some(user), Some(group)).expect("the folder changes its owner");
        }
        let mut server = Self { folder, binaries, child: None, options: Vec::new(), port: 5_432 };
        let made = server
            .command("initdb")
            .args(["--auth=trust", "--username=reprieve", "--encoding=UTF8", "--no-sync", "-D"])
            .arg(server.data())
            .output()
            .expect("initdb runs");
        assert!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
        server.run();
        server
    }

    /// Starts it, also after a [`stop`](Self::stop).
    ///
    /// # Panics
    /// If it does not start.
    #[allow(clippy::panic, clippy::expect_used)]
    pub fn run(&mut self) {
        // The server stops when its standard input ends, which is when this process ends, even after a crash.
        let mut command = self.command_in(Path::new("/bin"), "sh");
        command.args(["-c", "\"$@\" & read _; kill -QUIT $!; wait", "sh"]).arg(self.binaries.join("postgres"));
        command.arg("-D").arg(self.data()).arg("-k").arg(self.folder.path());
        command.args(["-c", "listen_addresses=", "-c", "max_connections=200", "-c", "fsync=off"]);
        command.args(&self.options).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        self.child = Some(command.spawn().expect("postgres runs"));
        let begun = Instant::now();
        while let Err(error) = postgres::Client::connect(&self.url("postgres"), postgres::NoTls) {
            assert!(begun.elapsed() < START_TIMEOUT, "postgres does not start: {error}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Stops it immediately, as a power failure would.
    pub fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            drop(child.stdin.take());
            drop(child.wait());
        }
    }

    /// Enables TLS with a self-signed certificate for `localhost`, and restarts. Returns the file of the certificate, and
    /// the URL of the database `postgres`.
    ///
    /// # Panics
    /// If it does not start again.
    #[allow(clippy::expect_used)]
    pub fn with_tls(&mut self) -> (PathBuf, String) {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
        let (certificate, key) = (self.folder.path().join("server.crt"), self.folder.path().join("server.key"));
        fs::write(&certificate, made.cert.pem()).expect("the certificate");
        fs::write(&key, made.signing_key.serialize_pem()).expect("the key");
        fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).expect("the key");
        if let Some((user, group)) = other_user() {
            chown(&key, Some(user), Some(group)).expect("the key changes its owner");
        }
        // A free port.
        let port =
            std::net::TcpListener::bind("127.0.0.1:0").and_then(|port| port.local_addr()).expect("a port").port();
        let files = [("ssl_cert_file", &certificate), ("ssl_key_file", &key)];
        let files = files.map(|(name, path)| format!("-c{name}={}", path.display()));
        // The socket in the folder is named after the port.
        self.options =
            vec!["-clisten_addresses=localhost".to_owned(), format!("-cport={port}"), "-cssl=on".to_owned()];
        self.options.extend(files);
        self.port = port;
        self.stop();
        self.run();
        (certificate, format!("postgres://reprieve@localhost:{port}/postgres"))
    }

    /// The URL of a database.
    pub fn url(&self, database: &str) -> String {
        let socket = self.folder.path().display().to_string().replace('/', "%2F");
        format!("postgres://reprieve@{socket}:{}/{database}", self.port)
    }

    /// Creates a database and returns its URL.
    ///
    /// # Panics
    /// If there is a database of that name.
    #[allow(clippy::expect_used)]
    pub fn database(&self, name: &str) -> String {
        let mut client = postgres::Client::connect(&self.url("postgres"), postgres::NoTls).expect("a connection");
        client.batch_execute(&format!("CREATE DATABASE {name}")).expect("a new database");
        self.url(name)
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn command(&self, name: &str) -> Command {
        self.command_in(&self.binaries, name)
    }

    fn command_in(&self, folder: &Path, name: &str) -> Command {
        let mut command = Command::new(folder.join(name));
        command.current_dir(self.folder.path());
        if let Some((user, group)) = other_user() {
            command.uid(user).gid(group);
        }
        command
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The user to run as instead of root, as which PostgreSQL refuses to run: `nobody`.
fn other_user() -> Option<(u32, u32)> {
    let is_root = fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0);
    let users = fs::read_to_string("/etc/passwd").ok().filter(|_| is_root)?;
    let fields = users.lines().find(|line| line.starts_with("nobody:"))?;
    let mut numbers = fields.split(':').skip(2).map_while(|number| number.parse().ok());
    numbers.next().zip(numbers.next())
}

/// The folder of the server's programs. If it does not exist, the Debian package is installed.
#[allow(clippy::panic)]
fn binaries() -> PathBuf {
    static INSTALL: Once = Once::new();
    if let Some(found) = find() {
        return found;
    }
    INSTALL.call_once(|| {
        let script = "mkdir -p /etc/postgresql-common \
            && echo 'create_main_cluster = false' > /etc/postgresql-common/createcluster.conf \
            && apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends postgresql";
        drop(Command::new("sh").args(["-c", script]).stdout(Stdio::null()).status());
    });
    match find() {
        Some(found) => found,
        None => panic!("these tests need PostgreSQL: apt-get install postgresql"),
    }
}

fn find() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut folders: Vec<PathBuf> = versions.map(|version| version.path().join("bin")).collect();
    folders.sort();
    folders.extend(std::env::var_os("PATH").iter().flat_map(std::env::split_paths));
    let runs =
        |path: &Path| fs::metadata(path).is_ok_and(|file| file.is_file() && file.permissions().mode() & 1 == 1);
    folders.into_iter().rev().find(|folder| runs(&folder.join("initdb")) && runs(&folder.join("postgres")))
}
