# SPDX-License-Identifier: Apache-2.0
"""What bench-store counts, and how it tells it."""

import os
import time

from bench import snapshots, store, store_folder
from bench.store_folder import StoreFolder


def written(path, size):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bytes(size))
    return path


def test_a_link_is_counted_once(tmp_path):
    os.link(written(tmp_path / 'blobs/a', 100), tmp_path / 'blobs/b')
    assert StoreFolder(tmp_path).size() == 100


def test_what_vanished_again_was_written_but_not_kept(tmp_path):
    written(tmp_path / 'blobs/old', 1000)
    with StoreFolder(tmp_path).watched() as watched:
        os.link(tmp_path / 'blobs/old', written(tmp_path / 'incoming/borrowed', 0).with_name('link'))
        passing = written(tmp_path / 'incoming/passing', 30)
        time.sleep(0.1)
        written(tmp_path / 'blobs/new', 5)
        passing.unlink()
    assert (watched.grown, watched.written) == (5, 35)


def found(kept):
    return store.Results(size=200_000_000, kept=kept, written=kept,
                         upload_s={'layers': [2.0, 1.0], 'local': [3.0, 2.0]},
                         download_s={'layers': [1.0], 'local': [1.0]},
                         memory={'layers': 5_000_000, 'local': 0})


def test_targets_are_met_or_missed(capsys):
    store.report(found([201_000_000, 2_000_000]))
    told = capsys.readouterr().out
    assert 'MISSED' not in told and 'last_written_percent=1 ' in told and 'upload_s_layers=1 ' in told
    store.report(found([200_000_000, 200_000_000]))
    assert capsys.readouterr().out.count('MISSED') == 2


def test_snapshots_are_told_beside_it(capsys):
    told = found([201_000_000, 2_000_000])
    told.moved = snapshots.Results(400, {'layers': [1.0, 1.2, 9.0], 'local': [4.0, 4.0, 4.0]},
                                   {'layers': [1_000_000], 'local': [400_000_000]}, 400_000_000, 2_000_000, 3.0)
    store.report(told)
    text = capsys.readouterr().out
    assert 'MISSED' not in text and 'snapshot_s_layers=1.20' in text and 'boot_fetched_mb=2 ' in text
    told.moved.snapshot_s['layers'] = [4.0]
    store.report(told)
    assert capsys.readouterr().out.count('MISSED') == 1


def test_what_was_fetched_is_read_from_the_log_of_the_registry(tmp_path):
    log = written(tmp_path / 'logs/registry.log', 10)
    blob = f'/v2/glance/blobs/sha256:{"0" * 64} HTTP/1.1"'
    with store_folder.fetched(tmp_path) as sizes, log.open('a') as file:
        file.write(f'"GET {blob} 200 700 "" "x"\n"HEAD {blob} 200 9 "" "x"\n"GET {blob} 401 5 "" "x"\n'
                   f'"GET {blob} 206 30 "" "x"\n')
        file.flush()
    assert sizes == [700, 30]
