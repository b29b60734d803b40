//! What may be uploaded: content that a live job names, or that a transaction names which would be admitted now.

use janction_blobs::{Class, Link};
use janction_protocol::Digest;
use janction_protocol::claim::Claim;
use janction_protocol::state::{Index, Job, JobStatus};
use janction_protocol::transaction::Transaction;

use super::Engine;
use super::admit::Submission;
use crate::refusal::Refusal;

/// Why content may be uploaded.
#[derive(Clone, Debug)]
pub enum Warrant {
    /// A live job names it.
    Job(Index),
    /// A transaction names it.
    Transaction(Box<Submission>),
}

/// What content must be to have its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// A job binary with this program digest.
    Program {
        /// Digest of operations and constants.
        digest: Digest,
    },
    /// The input of a program.
    Input {
        /// The program.
        program: Digest,
        /// Root over its rows.
        root: Digest,
        /// Number of rows.
        rows: u32,
    },
    /// The output of a program.
    Output {
        /// The program.
        program: Digest,
        /// Root over its rows.
        root: Digest,
        /// Number of rows.
        rows: u32,
    },
    /// What an audit opens.
    Openings {
        /// The claim that the audit is to prove.
        claim: Box<Claim>,
    },
}

impl Engine {
    /// What the content behind `name` must be, and the job whose watchers are told when it is there.
    ///
    /// # Errors
    /// [`Refusal::BlobUnauthorised`]; why the transaction would not be admitted.
    pub fn wanted(&self, name: Link, warrant: &Warrant) -> Result<(Wanted, Option<Index>), Refusal> {
        let refuse = |why: String| Err(Refusal::BlobUnauthorised { name, why });
        match warrant {
            Warrant::Job(index) => {
                let job = self.job(*index)?;
                if !job.status.is_live() {
                    return refuse(format!("job {index} has ended"));
                }
                let claim = Claim::of(self.config.deployment, *index, &job);
                match wanted_by_job(name, &job, claim) {
                    Ok(wanted) => Ok((wanted, Some(*index))),
                    Err(why) => refuse(format!("job {index} {why}")),
                }
            }
            Warrant::Transaction(submission) => {
                let signed = &submission.signed.transaction;
                // What it names is looked at before its signature, which costs more.
                let (wanted, job) = match (signed, name.class) {
                    (Transaction::PostJob(post), Class::Program) => {
                        (Wanted::Program { digest: post.program }, None)
                    }
                    (Transaction::PostJob(post), Class::Input) => {
                        let (program, root, rows) = (post.program, post.input_root, post.input_rows);
                        (Wanted::Input { program, root, rows }, None)
                    }
                    (Transaction::Submit(submit), Class::Output) => {
                        let job = self.preview.job(&self.ledger, submit.job);
                        let (program, root, rows) = (job.program, submit.output_root, job.input_rows);
                        (Wanted::Output { program, root, rows }, Some(submit.job))
                    }
                    _ => {
                        let kind = signed.kind();
                        return refuse(format!(
                            "a {kind:?} names no such content: programs and inputs go with a PostJob, outputs with a \
                             Submit, openings with a job that is being proven"
                        ));
                    }
                };
                let named = match &wanted {
                    Wanted::Program { digest } => *digest,
                    Wanted::Input { root, .. } | Wanted::Output { root, .. } => *root,
                    Wanted::Openings { claim } => claim.digest(),
                };
                if named.to_bytes() != name.digest {
                    return refuse(format!("the {:?} names {named}", signed.kind()));
                }
                self.would_admit(submission)?;
                Ok((wanted, job))
            }
        }
    }
}

fn wanted_by_job(name: Link, job: &Job, claim: Claim) -> Result<Wanted, String> {
    let (program, rows) = (job.program, job.input_rows);
    let submitted = matches!(job.status, JobStatus::Submitted | JobStatus::Proving);
    let (named, wanted) = match name.class {
        Class::Program => (program, Wanted::Program { digest: program }),
        Class::Input => (job.input_root, Wanted::Input { program, root: job.input_root, rows }),
        Class::Output if submitted => {
            (job.output_root, Wanted::Output { program, root: job.output_root, rows })
        }
        Class::Output => {
            return Err("has no output yet: send the signed Submit along as the transaction".into());
        }
        Class::Openings if job.status == JobStatus::Proving => {
            (claim.digest(), Wanted::Openings { claim: Box::new(claim) })
        }
        Class::Openings => {
            return Err("is not being proven: openings are taken once its proving window runs".into());
        }
    };
    if named.to_bytes() == name.digest { Ok(wanted) } else { Err(format!("names {named}")) }
}
