"""A study scored on a cluster gives the bytes of one scored here, also where a worker dies while it works."""

import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest
from study_folders import TABLES, render_study

from oral_lesion.adapters import distributed as adapter
from oral_lesion.adapters.distributed import work_on_cluster
from oral_lesion.adapters.distributed.photos import PhotoShipping
from oral_lesion.errors import MissingExtraError, Reason
from oral_lesion.io.batch import BundleSegmenters
from oral_lesion.io.batch_photo import PhotoTask, score_task
from oral_lesion.io.resources import default_bundle_path
from oral_lesion.io.settings import load_study_protocol
from oral_lesion.io.study import run_found_study
from oral_lesion.io.study_folders import find_study
from oral_lesion.io.study_photos import StudyRun, find_study_photos

WRITTEN = (*TABLES, "scores.csv", "lesions.csv", "quality.csv", "colour.csv")


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """Six photos, one of which is no picture."""
    folder = render_study(tmp_path_factory.mktemp("study") / "photos", visits=3)
    next(iter(sorted(folder.glob("phantom-01/week-04/*.jpg")))).write_bytes(b"\xff\xd8\xff no picture")
    return folder


@pytest.fixture(scope="module")
def study(photos):
    """The same study run anywhere."""
    protocol = load_study_protocol(None, card=None)
    source = BundleSegmenters.of(default_bundle_path())
    found = find_study_photos(photos, protocol=protocol, segmenters_for=lambda _visit: source)

    def run(out, **how):
        return run_found_study(found, out, protocol=protocol, run=StudyRun(**how))

    return run


@pytest.fixture(scope="module")
def local(study, tmp_path_factory):
    out = tmp_path_factory.mktemp("local") / "out"
    study(out)
    return out


class KillsAWorker:
    """The cluster, one of whose workers is killed once it has begun to work."""

    shares_disk = False

    def __init__(self, cluster):
        self.cluster = cluster
        self.killed = []

    def __call__(self, function, items):
        for number, answer in enumerate(work_on_cluster(self.cluster.scheduler_address)(function, items)):
            if number == 1:
                busy = [ws for ws in self.cluster.scheduler.workers.values() if ws.processing]
                nanny = next(one for one in self.cluster.workers.values() if one.worker_address == busy[0].address)
                os.kill(nanny.pid, signal.SIGKILL)
                self.killed.append(len(busy[0].processing))
            yield answer


def bytes_below(out):
    """All tables and pictures by name; run.json states how long it took."""
    return {
        path.relative_to(out).as_posix(): path.read_bytes()
        for path in sorted(out.rglob("*"))
        if path.suffix in {".csv", ".png", ".jpg"}
    }


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="kills a process by its signal")
def test_a_worker_dies_while_it_works_and_the_bytes_are_those_of_the_local_run(cluster, study, local, tmp_path):
    queue = KillsAWorker(cluster)
    outcome = study(tmp_path / "out", map_work=queue)
    assert queue.killed
    assert queue.killed[0] >= 1
    assert (outcome.run["counts"]["photos"], outcome.run["counts"]["refused"]) == (6, 1)
    here, there = bytes_below(local), bytes_below(tmp_path / "out")
    assert set(WRITTEN) <= {Path(name).name for name in here}
    assert there.keys() == here.keys()
    assert [name for name in here if there[name] != here[name]] == []


def test_what_is_sent_names_no_folder_of_this_machine(photos, local):
    import pickle

    source = BundleSegmenters.of(default_bundle_path())
    entry = find_study(photos, []).visits[0].found[0]
    task = PhotoTask(entry=entry, segmenters=source, scratch=local)
    shipping = PhotoShipping()
    shipping.plugins([task])
    sent = pickle.dumps(shipping.packed(task))
    assert entry.path.read_bytes() in sent
    for path in (photos, local, default_bundle_path()):
        assert str(path).encode() not in sent


def test_the_command_reads_a_url_on_the_cluster_and_writes_the_same_tables(cluster, photos, local, tmp_path):
    from oral_lesion.cli.app import app

    out = tmp_path / "out"
    options = ["--scheduler", cluster.scheduler_address, "--no-figures", "--no-report", "--json"]
    with pytest.raises(SystemExit) as stop:
        app(["study", photos.as_uri(), "-o", str(out), *options])
    assert stop.value.code == 3
    here, there = bytes_below(local), bytes_below(out)
    assert [name for name in here if there.get(name) != here[name]] == []
    for path in (out / "run.json", tmp_path / "oral-lesion-audit.jsonl"):
        said = path.read_text(encoding="utf-8")
        assert "file:" not in said
        assert str(photos) not in said


def test_without_dask_one_line_says_what_to_install(monkeypatch):
    monkeypatch.setattr(adapter, "find_spec", lambda _name: None)
    with pytest.raises(MissingExtraError, match=r"pip install 'oral-lesion\[scale\]'"):
        work_on_cluster("tcp://127.0.0.1:1")


def test_what_is_sent_gives_what_the_folder_gives(photos, tmp_path):
    """Also for true masks, and for photos that cannot be read or have no mask: with the same words."""
    from oral_lesion.phantom.truth_segmenters import TruthSegmenters

    protocol = load_study_protocol(None, card=None).scoring
    visits = {visit.visit: visit for visit in find_study(photos, []).visits}
    masks = TruthSegmenters.of_visit(visits["week-00"].path, protocol.standardization.working_mm_per_px)
    well = visits["week-00"].found[0]
    gone = replace(well, path=tmp_path / "S-001" / "week-00" / well.path.name)
    without_mask = replace(masks, masks=tmp_path)
    for entry, source in [(well, masks), (gone, masks), (visits["week-04"].found[0], masks), (well, without_mask)]:
        task = PhotoTask(entry=entry, segmenters=source)
        here, there = (score_task(one, protocol=protocol) for one in (task, PhotoShipping().packed(task)))
        assert there.rows == here.rows
        assert getattr(there.score.outcome, "detail", "") == getattr(here.score.outcome, "detail", "")
        assert there.pictures == here.pictures
    assert here.score.outcome.reason is Reason.SCORING_FAILED
