# The rules over the unchanged request.
package peers

deny contains "kind-mismatch" if {
    some target in input.targets
    target.kind != input.target_kind
}

deny contains "too-many-tenants" if {
    tenants := {target.tenant | some target in input.targets}
    count(tenants) > {"hard": 60, "soft": 500}[input.mode]
}

deny contains "bad-ids" if {
    ids := {target.id | some target in input.targets}
    count(ids) != count(input.targets)
}

deny contains "bad-ids" if {
    some target in input.targets
    target.id == ""
}

deny contains "count-mismatch" if input.provenance.row_count != count(input.targets)
