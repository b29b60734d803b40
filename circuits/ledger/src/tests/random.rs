//! Random lives of the ledger: whatever native rules let happen, the circuit proves, to the same end.

use janction_protocol::ledger::{BatchBuilder, Ledger};
use janction_protocol::state::{Account, AccountKind, Index};
use janction_protocol::stream::Signer;
use janction_protocol::transaction::*;
use janction_protocol::transition::{Role, replay};
use janction_protocol::{Address, Amount};
use plonky2::field::types::Field;
use plonky2::iop::witness::Witness;
use proptest::prelude::*;

use super::story::{
    OPERATOR, Scene, amount, beacon, deployment, deposit, expire, job, key, reveal, seal_bid, secret, settle,
    submit,
};
use super::{F, ONE_STEP, check, generate};

const BATCHES: usize = 24;
const ATTEMPTS: usize = 24;

/// SplitMix64.
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (x ^ (x >> 31)) % sides
    }

    fn index(&mut self, next: Index) -> Index {
        self.roll(u64::from(next) + 1) as Index
    }

    /// Anything up to the whole balance, or just more than it.
    fn value(&mut self, of: Amount) -> Amount {
        match self.roll(4) {
            0 => of,
            1 => amount(of.units() + 1),
            _ => amount(self.roll(of.units() / 4 + 1)),
        }
    }

    /// A transaction that may or may not be allowed.
    fn transaction(&mut self, ledger: &Ledger) -> Transaction {
        let (a, b) = (self.index(ledger.state().next_account), self.index(ledger.state().next_account));
        let (account, j) = (ledger.account(a), self.index(ledger.state().next_job));
        let units: Vec<Index> =
            ledger.accounts().filter(|(_, a)| a.kind == AccountKind::Unit).map(|(i, _)| i).collect();
        let unit = units.get(self.roll(units.len().max(1) as u64) as usize).copied().unwrap_or(a);
        let fee = amount(self.roll(9));
        let price = 100 * u64::from(unit % 5) + 300;
        match self.roll(20) {
            0 | 1 => Transfer { fee, from: a, to: b, value: self.value(account.balance) }.into(),
            2 => {
                let address = Address::from_limbs([self.roll(2), self.roll(9), 0]).unwrap();
                Withdraw { fee, account: a, value: self.value(account.balance), address }.into()
            }
            3 => {
                let (gpu_class, region) = (70 + self.roll(30) as u16, self.roll(3) as u8);
                Register { fee, wallet: a, operator: key(OPERATOR), gpu_class, vram: 20_000, region }.into()
            }
            4 | 5 => Stake { fee, unit, value: self.value(ledger.account(unit).balance) }.into(),
            6 => Unstake { fee, unit, value: self.value(ledger.account(unit).unlocked()) }.into(),
            7 => {
                let region = self.roll(2) as u8;
                PostJob { developer: a, region, ..job(self.roll(2) as u32) }.into()
            }
            8..=11 => seal_bid(unit, j, price),
            12..=15 => reveal(unit, ledger.account(unit).lock_job, price),
            16 => Forfeit { fee: amount(13), unit, job: ledger.account(unit).lock_job }.into(),
            17 => submit(ledger.job(j).winner, j),
            18 => settle(j, ledger.job(j).second_price.units()),
            _ => expire(j),
        }
    }
}

fn sign(ledger: &Ledger, transaction: Transaction) -> SignedTransaction {
    let account: Account = ledger.account(transaction.raw().unwrap().a);
    let (role, person) = match transaction.kind().signer() {
        Signer::None => return SignedTransaction::unsigned(transaction),
        Signer::OwnerOrOperator if account.kind == AccountKind::Unit && account.nonce.is_multiple_of(2) => {
            (Role::Operator, OPERATOR)
        }
        _ => (Role::Owner, (1..9).find(|&person| key(person) == account.owner).unwrap_or(8)),
    };
    SignedTransaction::sign(transaction, account.nonce, &deployment(), role, &secret(person)).unwrap()
}

/// A life of so many batches; every scene of it.
fn life(seed: u64) -> Vec<Scene> {
    let mut dice = Dice(seed);
    let mut ledger = Ledger::genesis(deployment());
    let (mut time, mut run, mut scenes) = (1, None, Vec::new());
    for _ in 0..BATCHES {
        time += dice.roll(7);
        let mut builder = BatchBuilder::new(&mut ledger, time, 1).unwrap();
        for _ in 0..ATTEMPTS {
            let transaction = dice.transaction(builder.ledger());
            let signed = sign(builder.ledger(), transaction);
            // What is refused does not happen.
            let _ = builder.push(&signed);
        }
        let deposits: Vec<_> = (0..1 + dice.roll(3))
            .map(|_| {
                let hint = dice.index(builder.ledger().state().next_account);
                let owner = (1..9).find(|&person| key(person) == builder.ledger().account(hint).owner);
                let person = owner.unwrap_or(1 + dice.roll(4) as u8);
                deposit(hint, person, 100_000 + dice.roll(1 << 30))
            })
            .collect();
        let waiting = dice.index(builder.ledger().state().next_job);
        let mut batch = builder.close(&deposits, &[beacon(waiting, time)]).unwrap();
        batch.bind(batch.challenge(&deployment()));
        let mut state = run.unwrap_or_else(|| batch.start([F::ONE, F::TWO]));
        for step in &batch.steps {
            let after = replay(&state, step).unwrap();
            scenes.push(Scene { before: state, step: step.clone(), after });
            state = after;
        }
        run = Some(state);
    }
    scenes
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4, max_shrink_iters: 0, ..ProptestConfig::default() })]

    #[test]
    fn native_and_circuit_agree(seed in any::<u64>()) {
        for scene in life(seed) {
            let witness = generate(&ONE_STEP.data, ONE_STEP.inputs(&scene), &[]);
            let witness = witness.unwrap_or_else(|e| panic!("{:?}: {e}", scene.step));
            check(&ONE_STEP.data, &witness).unwrap_or_else(|e| panic!("{:?}: {e}", scene.step));
            for (target, value) in ONE_STEP.end(&scene) {
                prop_assert_eq!(witness.get_target(target), value, "{:?}", scene.step.kind);
            }
        }
    }
}

/// The lives are lively: most kinds occur in a few of them.
#[test]
fn lives_are_lively() {
    let mut counts = std::collections::BTreeMap::new();
    for scene in (0..8).flat_map(life) {
        *counts.entry(scene.step.kind).or_insert(0) += 1;
    }
    assert!(counts.len() >= 14, "{counts:?}");
}
