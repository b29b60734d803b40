use std::collections::{BTreeMap, HashMap};

use proptest::prelude::*;

use super::*;

fn id(n: u64) -> TransactionId {
    let mut id = [0; 32];
    id[24..].copy_from_slice(&n.to_be_bytes());
    id
}

fn item(n: u64, signer: Option<(Index, u32)>, fee: u64, blocks: usize) -> Item {
    Item { id: id(n), signer, fee: Amount::new(fee).unwrap(), blocks, bytes: 56 * blocks, arrival: n }
}

fn pool(config: MempoolConfig) -> Mempool {
    Mempool::new(config)
}

fn small() -> MempoolConfig {
    MempoolConfig {
        max_transactions: 8,
        max_bytes: 56 * 12,
        max_per_account: 3,
        minimum_fee_per_block: 10,
        replacement_percent: 10,
    }
}

fn code(result: Result<Admission, Refusal>) -> &'static str {
    result.map_or_else(|refusal| refusal.code(), |_| "admitted")
}

#[test]
fn each_limit_refuses_with_its_code() {
    let mut pool = pool(small());
    assert_eq!(code(pool.check(&item(1, Some((1, 5)), 9, 1), 5)), "fee-too-low");
    assert_eq!(code(pool.check(&item(1, Some((1, 5)), 19, 2), 5)), "fee-too-low", "by blocks");
    assert_eq!(code(pool.check(&item(1, Some((1, 4)), 10, 1), 5)), "nonce-used");
    assert_eq!(code(pool.check(&item(1, Some((1, 6)), 10, 1), 5)), "nonce-gap");
    for nonce in 5..8 {
        let new = item(nonce.into(), Some((1, nonce)), 100, 1);
        assert_eq!(pool.check(&new, 5).unwrap(), Admission::New);
        pool.insert(new);
        assert_eq!(pool.check(&new, 5).unwrap(), Admission::Known);
    }
    assert_eq!(code(pool.check(&item(9, Some((1, 8)), 100, 1), 5)), "account-full");
    assert_eq!(code(pool.check(&item(9, Some((1, 6)), 109, 1), 5)), "replacement-fee");
    let better = item(9, Some((1, 6)), 110, 1);
    assert_eq!(pool.check(&better, 5).unwrap(), Admission::Replaces(id(6)));
    assert_eq!(pool.insert(better).unwrap().id, id(6));
    assert_eq!((pool.len(), pool.next_nonce(1, 5)), (3, 8));

    // Bytes: 3 + 9 blocks are all that fit.
    pool.insert(item(20, Some((2, 0)), 100, 4));
    pool.insert(item(21, Some((3, 0)), 100, 4));
    assert_eq!(code(pool.check(&item(22, Some((4, 0)), 100, 2), 0)), "mempool-full");
    pool.insert(item(23, None, 0, 1));
    assert_eq!(code(pool.check(&item(24, None, 0, 1), 0)), "mempool-full");
    assert!(pool.is_under_pressure());
}

#[test]
fn fees_order_accounts_and_nonces_order_within() {
    let mut pool = pool(MempoolConfig::default());
    pool.insert(item(1, Some((1, 0)), 10, 1));
    pool.insert(item(2, Some((1, 1)), 1000, 1));
    pool.insert(item(3, Some((2, 7)), 30, 1));
    pool.insert(item(4, Some((3, 0)), 60, 2));
    pool.insert(item(5, None, 20, 1));
    let mut selection = pool.select();
    let mut order = Vec::new();
    while let Some(item) = selection.next() {
        order.push(item.arrival);
        selection.accept(&item);
    }
    assert_eq!(order, [3, 4, 5, 1, 2]);

    // What is not accepted holds up its own account only.
    let mut selection = pool.select();
    let mut order = Vec::new();
    while let Some(item) = selection.next() {
        order.push(item.arrival);
        if item.signer.is_none_or(|(account, _)| account != 1) {
            selection.accept(&item);
        }
    }
    assert_eq!(order, [3, 4, 5, 1]);
}

#[derive(Clone, Debug)]
enum Act {
    Submit { account: Option<Index>, nonce: u32, fee: u64, blocks: usize },
    IncludeBest,
    RefuseFrom { account: Index, nonce: u32 },
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        6 => (prop::option::weighted(0.8, 1u32..4), 0u32..6, 0u64..200, 1usize..5)
            .prop_map(|(account, nonce, fee, blocks)| Act::Submit { account, nonce, fee, blocks }),
        2 => Just(Act::IncludeBest),
        1 => (1u32..4, 0u32..6).prop_map(|(account, nonce)| Act::RefuseFrom { account, nonce }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Against a plain model: the limits hold, nonces have no gaps, nothing that was admitted is lost, and the best
    /// offer is the one that a search over all finds.
    #[test]
    fn behaves_like_a_list(acts in prop::collection::vec(act(), 1..80)) {
        let config = small();
        let mut pool = pool(config.clone());
        let mut model: BTreeMap<u64, Item> = BTreeMap::new();
        let mut leaves: HashMap<Index, u32> = HashMap::new();
        for (n, act) in acts.into_iter().enumerate() {
            let n = n as u64;
            match act {
                Act::Submit { account, nonce, fee, blocks } => {
                    let new = item(n, account.map(|a| (a, nonce)), fee, blocks);
                    let leaf = account.map_or(0, |a| leaves.get(&a).copied().unwrap_or(0));
                    match pool.check(&new, leaf) {
                        Ok(Admission::New) => {
                            prop_assert!(pool.insert(new).is_none());
                            model.insert(n, new);
                        }
                        Ok(Admission::Replaces(old)) => {
                            let replaced = pool.insert(new).unwrap();
                            prop_assert_eq!(replaced.id, old);
                            prop_assert!(new.fee.units() * 100 >= replaced.fee.units() * 110);
                            prop_assert_eq!(model.remove(&replaced.arrival), Some(replaced));
                            model.insert(n, new);
                        }
                        Ok(Admission::Known) => prop_assert!(false, "ids are new"),
                        Err(refusal) => {
                            let total: usize = model.values().map(|i| i.bytes).sum();
                            let of = |a| model.values().filter(|i| i.signer.is_some_and(|s| s.0 == a)).count();
                            let due = match refusal {
                                Refusal::MempoolFull { .. } =>
                                    model.len() >= config.max_transactions
                                        || total + new.bytes > config.max_bytes,
                                Refusal::AccountFull { account, .. } => of(account) >= config.max_per_account,
                                Refusal::NonceUsed { got, .. } => got < leaf,
                                Refusal::NonceGap { account, got, .. } => got > leaf + of(account) as u32,
                                Refusal::FeeTooLow { .. } => fee < 10 * blocks as u64,
                                Refusal::ReplacementFee { .. } =>
                                    model.values().any(|i| i.signer == new.signer && fee * 100 < i.fee.units() * 110 + 100),
                                _ => false,
                            };
                            prop_assert!(due, "{refusal}");
                        }
                    }
                }
                Act::IncludeBest => {
                    let offered = pool.select().next();
                    let heads = model.values().filter(|i| match i.signer {
                        Some((a, nonce)) => nonce == leaves.get(&a).copied().unwrap_or(0),
                        None => true,
                    });
                    let best = heads.max_by_key(|i| {
                        (i.fee.units() * 12 / i.blocks as u64, std::cmp::Reverse(i.arrival))
                    }).copied();
                    prop_assert_eq!(offered, best);
                    if let Some(best) = best {
                        pool.remove(&best.id);
                        model.remove(&best.arrival);
                        if let Some((a, _)) = best.signer {
                            *leaves.entry(a).or_default() += 1;
                        }
                    }
                }
                Act::RefuseFrom { account, nonce } => {
                    let refused = model.values().find(|i| i.signer == Some((account, nonce))).copied();
                    if let Some(refused) = refused {
                        for later in pool.after(account, nonce) {
                            let later = pool.remove(&later).unwrap();
                            model.remove(&later.arrival);
                        }
                        pool.remove(&refused.id);
                        model.remove(&refused.arrival);
                    }
                }
            }
            prop_assert_eq!(pool.len(), model.len());
            prop_assert_eq!(pool.blocks(), model.values().map(|i| i.blocks).sum::<usize>());
            prop_assert!(pool.by_arrival().eq(model.values().map(|i| i.id)));
            for (&account, &leaf) in &leaves {
                let next = pool.next_nonce(account, leaf);
                prop_assert_eq!(next as usize, leaf as usize + pool.waiting(account));
            }
        }
    }
}
