//! The sequencer as a process: a ledger from deposit to commit, killed and started again.

mod support;

use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use janction_sequencer::store::{META, SCHEMA};
use serde_json::Value;

use support::chain::{Anvil, CHAIN, SECRET};
use support::proxy::with_constant_prevrandao;
use support::{Finished, Machine};

const PATIENCE: Duration = Duration::from_secs(60);

/// A machine with a configuration for a rollup of its own.
struct House {
    machine: Machine,
    anvil: Anvil,
    config: String,
    address: String,
    rollup: String,
}

impl House {
    async fn new() -> Self {
        let (machine, anvil) = (Machine::new(), Anvil::start().await);
        let rollup = anvil.deploy(None).await;
        let port =
            std::net::TcpListener::bind(("127.0.0.1", 0)).and_then(|l| l.local_addr()).expect("a port");
        let text = format!(
            "[l1]\nurl = \"{}\"\nchain_id = {CHAIN}\nrollup = \"{rollup}\"\nconfirmations = 0\npoll_ms = 100\n\
             [sequencer]\nlisten = \"{port}\"\nurl = \"http://{port}\"\n\
             [sequencer.batch]\nmax_wait_ms = 200\n",
            anvil.url
        );
        let config = machine.write("janction.toml", &text);
        House { machine, anvil, config, address: port.to_string(), rollup: rollup.to_string() }
    }

    /// A command of an owner, with the L1 key of the chain's first account.
    fn owner(&self, arguments: &[&str]) -> Finished {
        let all = [&["--json", "--config", &self.config], arguments].concat();
        let mut command = self.machine.command(&all);
        command.env("JANCTION_PASSWORD", "secret").env("JANCTION_L1_SECRET", SECRET);
        Finished(command.output().expect("runs"))
    }

    async fn sequencer(&self) -> Running {
        self.start(self.machine.command(&["--config", &self.config, "sequencer"])).await
    }

    async fn start(&self, mut command: std::process::Command) -> Running {
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(self.machine.home().join("sequencer.log"))
            .expect("a log");
        command.env("JANCTION_L1_SECRET", SECRET).stdout(Stdio::null()).stderr(log);
        let mut running = Running(command.spawn().expect("starts"));
        let start = Instant::now();
        while tokio::net::TcpStream::connect(&self.address).await.is_err() {
            assert!(running.0.try_wait().expect("a child").is_none(), "{}", self.log());
            assert!(start.elapsed() < PATIENCE, "the sequencer does not listen:\n{}", self.log());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        running
    }

    /// Another contract on the chain.
    async fn token(&self) -> String {
        let rollup = self.rollup.parse().expect("an address");
        self.anvil.connect(rollup).await.parameters().await.expect("parameters").token.to_string()
    }

    /// Says in the database, which nobody has open, that it has this schema.
    fn set_schema(&self, schema: u32) {
        let path = self.machine.home().join(".local/share/janction/sequencer");
        let options = rocksdb::Options::default();
        let columns = rocksdb::DB::list_cf(&options, &path).expect("columns");
        let database = rocksdb::DB::open_cf(&options, &path, columns).expect("opens");
        let meta = database.cf_handle(META).expect("the column");
        let value = janction_rpc::encoding::encode(&schema).expect("encodes");
        database.put_cf(meta, "schema", value).expect("written");
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.machine.home().join("sequencer.log")).unwrap_or_default()
    }

    /// Waits until an owner has an account; it.
    async fn account(&self, name: &str) -> Value {
        let start = Instant::now();
        loop {
            let run = self.owner(&["account", "balance", name]);
            if run.status() == 0 {
                return run.json()["accounts"][0].clone();
            }
            assert!(start.elapsed() < PATIENCE, "{}\n{}", run.errors(), self.log());
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
}

struct Running(Child);

impl Running {
    /// SIGKILL: nothing is tidied up.
    fn kill(mut self) {
        self.0.kill().expect("killed");
        self.0.wait().expect("waited for");
    }

    /// SIGTERM; the exit status.
    fn terminate(self) -> Option<i32> {
        let pid = rustix::process::Pid::from_child(&self.0);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("signalled");
        self.end()
    }

    /// Waits until it has ended; the exit status.
    fn end(mut self) -> Option<i32> {
        let start = Instant::now();
        loop {
            if let Some(status) = self.0.try_wait().expect("a child") {
                return status.code();
            }
            assert!(start.elapsed() < PATIENCE, "it does not stop");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn money_moves_and_survives_kill_9() {
    let house = House::new().await;
    let sequencer = house.sequencer().await;
    for name in ["alice", "bob"] {
        house.owner(&["account", "new", name]).json();
    }
    house.owner(&["account", "deposit", "alice", "100"]).json();
    let alice = house.account("alice").await;
    assert_eq!(alice["balance"], 100_000_000_000u64);
    house.owner(&["account", "deposit", "bob", "1"]).json();
    let bob = house.account("bob").await;
    let to = bob["index"].to_string();

    // Acknowledged, then killed at once: the transfer is on disk.
    let sent =
        house.owner(&["account", "transfer", "alice", "12.5", "--to", &to, "--wait", "pending"]).json();
    sequencer.kill();
    house.owner(&["account", "balance", "alice"]).must_fail(1, "client.unreachable");
    let sequencer = house.sequencer().await;
    let fee = sent["fee"].as_u64().expect("a fee");
    let start = Instant::now();
    loop {
        let bob = house.account("bob").await;
        if bob["balance"] == 13_500_000_000u64 {
            break;
        }
        assert!(start.elapsed() < PATIENCE, "{bob}\n{}", house.log());
        tokio::time::sleep(Duration::from_millis(200)).await;
    }

    // Another one, killed while the batch is on its way to L1.
    let withdrawn =
        house.owner(&["account", "withdraw", "bob", "2", "--to", &house.anvil.signer.address().to_string()]);
    withdrawn.json();
    sequencer.kill();
    let sequencer = house.sequencer().await;
    let start = Instant::now();
    let audited = loop {
        let run = house.owner(&["audit", "--keys", "none"]);
        assert_eq!(run.status(), 3, "{}\n{}", run.text(), run.errors());
        let report: Value = serde_json::from_str(&run.text()).expect("JSON");
        let text = report.to_string();
        if text.contains("2000000000 of withdrawals not claimed") {
            break report;
        }
        assert!(start.elapsed() < PATIENCE, "{report}\n{}", house.log());
        tokio::time::sleep(Duration::from_millis(300)).await;
    };
    assert_eq!(audited["verdict"], "incomplete");
    // The first account also gets the fees.
    let alice = house.account("alice").await["balance"].as_u64().expect("a balance");
    let bob = house.account("bob").await["balance"].as_u64().expect("a balance");
    assert_eq!(alice + bob, 99_000_000_000, "100 + 1 paid in, 2 paid out, fees stay");
    assert_eq!(alice, 87_500_000_000 - fee + 2 * fee);
    assert_eq!(sequencer.terminate(), Some(0), "{}", house.log());
}

#[tokio::test]
async fn refusals_have_codes() {
    let house = House::new().await;
    let _sequencer = house.sequencer().await;
    for name in ["alice", "nobody"] {
        house.owner(&["account", "new", name]).json();
    }
    house.owner(&["account", "deposit", "alice", "1"]).json();
    house.account("alice").await;
    house.owner(&["account", "balance", "nobody"]).must_fail(1, "client.no_account");
    let to_nobody = house.owner(&["account", "transfer", "alice", "0.5", "--to", "9"]);
    to_nobody.must_fail(1, "refused.no-account");
    let poor = house.owner(&["account", "transfer", "alice", "2", "--to", "1"]);
    let message = poor.must_fail(1, "refused.insufficient-balance");
    assert!(message.contains("the balance is 1"), "{message}");
    let alice = house.account("alice").await;
    assert_eq!(
        (&alice["balance"], &alice["available"]),
        (&1_000_000_000u64.into(), &1_000_000_000u64.into())
    );
    let wrong = house
        .machine
        .command(&["--json", "--config", &house.config, "account", "transfer", "alice", "1", "--to", "1"])
        .env("JANCTION_PASSWORD", "wrong")
        .output()
        .expect("runs");
    Finished(wrong).must_fail(1, "keystore.wrong_password");
    house.owner(&["account", "deposit", "alice", "2000000000"]).must_fail(1, "l1.too_poor");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sequencer_that_cannot_run_says_why() {
    let house = House::new().await;
    let start = |variables: &[(&str, &str)]| {
        let mut command = house.machine.command(&["--json", "--config", &house.config, "sequencer"]);
        command.env("JANCTION_L1_SECRET", SECRET).envs(variables.iter().copied());
        Finished(command.output().expect("runs"))
    };
    let other = "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d";
    start(&[("JANCTION_L1_SECRET", other)]).must_fail(1, "l1.not_operator");
    start(&[("JANCTION_L1_CHAIN_ID", "5")]).must_fail(1, "l1.wrong_chain");
    start(&[("JANCTION_L1_URL", "http://127.0.0.1:1")]).must_fail(1, "l1.unreachable");
    start(&[("JANCTION_L1_ROLLUP", "0x00000000000000000000000000000000000000aa")]).must_fail(1, "l1.no_code");
    let token = house.token().await;
    start(&[("JANCTION_L1_ROLLUP", &token)]).must_fail(1, "l1.wrong_contract");
    let constant = with_constant_prevrandao(&house.anvil.url).await;
    start(&[("JANCTION_L1_URL", &constant)]).must_fail(1, "l1.constant_randomness");
    start(&[("JANCTION_TELEMETRY_LOG", "a=b=c")]).must_fail(2, "telemetry.filter");
    start(&[("JANCTION_SEQUENCER_BATCH_MAX_BLOCKS", "1")]).must_fail(2, "config.invalid");
    // The contract lets only a batch with 64 entries of a queue be late.
    let few = start(&[("JANCTION_SEQUENCER_BATCH_MAX_L1_OPERATIONS", "63")]);
    let message = few.must_fail(2, "config.invalid");
    assert!(message.contains("sequencer.batch.max_l1_operations") && message.contains("64"), "{message}");
    start(&[("JANCTION_SEQUENCER_MAX_MESSAGE_BYTES", "1000")]).must_fail(2, "config.invalid");

    let running = house.sequencer().await;
    start(&[]).must_fail(1, "net.port_in_use");
    start(&[("JANCTION_SEQUENCER_LISTEN", "127.0.0.1:0")]).must_fail(1, "database.in_use");
    assert_eq!(running.terminate(), Some(0));
    // The same database for another rollup.
    let rollup = house.anvil.deploy(None).await.to_string();
    start(&[("JANCTION_L1_ROLLUP", &rollup)]).must_fail(1, "database.other_deployment");
    // A database of a later version; untouched, it serves that version.
    house.set_schema(SCHEMA + 1);
    let message = start(&[]).must_fail(1, "database.newer");
    assert!(message.contains(&format!("schema {}", SCHEMA + 1)), "{message}");
    house.set_schema(SCHEMA);
    assert_eq!(house.sequencer().await.terminate(), Some(0), "{}", house.log());
}

#[tokio::test]
async fn a_full_disk_ends_the_sequencer_and_loses_nothing() {
    let house = House::new().await;
    let sequencer = house.sequencer().await;
    for name in ["alice", "bob"] {
        house.owner(&["account", "new", name]).json();
        house.owner(&["account", "deposit", name, "1"]).json();
        house.account(name).await;
    }
    let to = house.account("bob").await["index"].to_string();
    assert_eq!(sequencer.terminate(), Some(0), "{}", house.log());

    // 200 KiB for each file: the first that reaches it is the database's log.
    let arguments = ["--json", "--config", house.config.as_str(), "sequencer"];
    let sequencer = house.start(house.machine.command_on_full_disk(400, &arguments)).await;
    let mut acknowledged = 0;
    let refused = loop {
        let run = house.owner(&["account", "transfer", "alice", "0.001", "--to", &to, "--wait", "pending"]);
        if run.status() != 0 {
            break run.error_code();
        }
        acknowledged += 1;
        assert!(acknowledged < 500, "the limit is not reached:\n{}", house.log());
    };
    assert!(
        ["refused.store", "refused.stopping", "client.unreachable"].contains(&refused.as_str()),
        "{refused}"
    );
    assert_eq!(sequencer.end(), Some(1), "{}", house.log());
    let log = house.log();
    let last: Value = serde_json::from_str(log.lines().last().expect("a line")).expect("JSON");
    assert_eq!(last["error"]["code"], "database.disk_full", "{log}");

    let sequencer = house.sequencer().await;
    let start = Instant::now();
    let expected = 1_000_000_000 + acknowledged * 1_000_000;
    while house.account("bob").await["balance"] != expected {
        assert!(start.elapsed() < PATIENCE, "{acknowledged} transfers\n{}", house.log());
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert_eq!(sequencer.terminate(), Some(0), "{}", house.log());
}
