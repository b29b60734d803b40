//! The sequencer as a process: a ledger from deposit to commit, killed and started again.

mod support;

use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use support::chain::{Anvil, CHAIN, SECRET};
use support::{Finished, Machine};

const PATIENCE: Duration = Duration::from_secs(60);

/// A machine with a configuration for a rollup of its own.
struct House {
    machine: Machine,
    anvil: Anvil,
    config: String,
    address: String,
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
        House { machine, anvil, config, address: port.to_string() }
    }

    /// A command of an owner, with the L1 key of the chain's first account.
    fn owner(&self, arguments: &[&str]) -> Finished {
        let all = [&["--json", "--config", &self.config], arguments].concat();
        let mut command = self.machine.command(&all);
        command.env("JANCTION_PASSWORD", "secret").env("JANCTION_L1_SECRET", SECRET);
        Finished(command.output().expect("runs"))
    }

    async fn sequencer(&self) -> Running {
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(self.machine.home().join("sequencer.log"))
            .expect("a log");
        let mut command = self.machine.command(&["--config", &self.config, "sequencer"]);
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
    fn terminate(mut self) -> Option<i32> {
        let pid = rustix::process::Pid::from_child(&self.0);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("signalled");
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
    let poor = house.owner(&["account", "transfer", "alice", "2", "--to", "1"]);
    assert_eq!(poor.status(), 1);
    assert!(poor.errors().contains("refused."), "{}", poor.errors());
    let wrong = house
        .machine
        .command(&["--json", "--config", &house.config, "account", "transfer", "alice", "1", "--to", "1"])
        .env("JANCTION_PASSWORD", "wrong")
        .output()
        .expect("runs");
    Finished(wrong).must_fail(1, "keystore.wrong_password");
    house.owner(&["account", "deposit", "alice", "2000000000"]).must_fail(1, "l1.too_poor");
}

#[tokio::test]
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
    start(&[("JANCTION_TELEMETRY_LOG", "a=b=c")]).must_fail(2, "telemetry.filter");
    start(&[("JANCTION_SEQUENCER_BATCH_MAX_BLOCKS", "1")]).must_fail(2, "config.invalid");

    let running = house.sequencer().await;
    start(&[]).must_fail(1, "net.port_in_use");
    start(&[("JANCTION_SEQUENCER_LISTEN", "127.0.0.1:0")]).must_fail(1, "database.in_use");
    assert_eq!(running.terminate(), Some(0));
    // The same database for another rollup.
    let rollup = house.anvil.deploy(None).await.to_string();
    start(&[("JANCTION_L1_ROLLUP", &rollup)]).must_fail(1, "database.other_deployment");
}
