//! What to run instead of a call that was blocked.

use super::entry::Next;

/// The steps after a list exists.
const THEN: &str = "  reprieve check vetted/request.json\n  reprieve run vetted/request.json -- COMMAND";

/// Returns the commands that make a list of what a call deletes, and vet it.
pub fn advice(next: Next) -> String {
    let read = |make: &str, read: &str| format!("{make}  {read} --out vetted --environment ENVIRONMENT\n{THEN}\n");
    match next {
        Next::Terraform => read(
            "  terraform plan -out=tfplan        (with -destroy for a destroy)\n  terraform show -json tfplan > plan.json\n",
            "reprieve read terraform plan.json",
        )
        .replace("COMMAND", "terraform apply tfplan"),
        Next::Kubernetes => read(
            "  kubectl get TYPE NAME… -o json > objects.json\n",
            "reprieve read kubernetes objects.json --mode hard",
        )
        .replace("COMMAND", "kubectl delete -f objects.json"),
        Next::Aws => read(
            "  a list of what is deleted as JSON, with the `list-…` or `describe-…` command, > list.json\n",
            "reprieve read cloud-list list.json --mode hard      (s3-delete for objects of S3)",
        ),
        Next::S3 => read(
            "  aws s3api list-object-versions --bucket BUCKET --prefix PREFIX > objects.json\n",
            "reprieve read s3-delete objects.json",
        ),
        Next::Cloud => read(
            "  a list of what is deleted as JSON, with the `list` command, > list.json\n",
            "reprieve read cloud-list list.json --mode hard",
        ),
        Next::Sql => read(
            "  a file of statements that name each row: DELETE FROM table WHERE id IN (…); in delete.sql\n",
            "reprieve read sql delete.sql",
        )
        .replace("COMMAND", "psql -f delete.sql"),
        Next::Registry => read(
            "  a list of what is deleted as JSON, > list.json\n",
            "reprieve read registry list.json --mode hard",
        ),
        Next::Backup => read(
            "  the output of a dry run, such as `restic forget --dry-run --json`, > dry-run.json\n",
            "reprieve read backup dry-run.json",
        ),
        Next::Files => list("  find PATH > paths.txt\n", "paths.txt --kind file"),
        Next::List => list("  the id of everything that the call deletes, one in a line, > ids.txt\n", "ids.txt --kind KIND"),
        Next::People => "  ask a person to do it: an agent does not approve, resume or record outcomes\n".to_owned(),
    }
}

fn list(make: &str, list: &str) -> String {
    let draft = format!("  reprieve draft {list} --mode hard --environment ENVIRONMENT --out request.json\n");
    format!("{make}{draft}{}\n", THEN.replace("vetted/", "").replace("COMMAND", "COMMAND {}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_advice_ends_in_a_run_or_a_person() {
        for next in [
            Next::Terraform,
            Next::Kubernetes,
            Next::Aws,
            Next::S3,
            Next::Cloud,
            Next::Sql,
            Next::Files,
            Next::Registry,
            Next::Backup,
            Next::List,
        ] {
            let advice = advice(next);
            assert!(advice.contains("reprieve check") && advice.contains("reprieve run"), "{advice}");
        }
        assert!(advice(Next::People).contains("a person"));
    }
}
