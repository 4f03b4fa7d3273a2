# The rules over figures that the program has counted.
package peers

deny contains "kind-mismatch" if {
    some kind in input.kinds
    kind != input.target_kind
}

deny contains "too-many-tenants" if input.tenants > {"hard": 60, "soft": 500}[input.mode]

deny contains "bad-ids" if input.bad_ids > 0

deny contains "count-mismatch" if input.row_count != input.targets
