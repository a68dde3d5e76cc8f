import os
import stat

import pytest

from litellm_obs_plugin.metrics import state_dir
from litellm_obs_plugin.metrics.state_dir import StateDirError, find_filesystem, make_directory

MOUNTS = """\
/dev/vda / ext4 rw 0 0
server:/home /home nfs4 rw 0 0
tmpfs /home/me/fast tmpfs rw 0 0
server:/x /mnt/two\\040words nfs rw 0 0
/dev/vdb /data ext4 rw 0 0
server:/data /data nfs rw 0 0
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/var/lib/x", "ext4"),
        ("/home/me/state", "nfs4"),
        ("/home/me/fast/state", "tmpfs"),
        ("/home/me/faster", "nfs4"),
        ("/home", "nfs4"),
        ("/mnt/two words/x", "nfs"),
        ("/data/x", "nfs"),  # the later mount hides the earlier
    ],
)
def test_the_innermost_last_mount_holds_a_path(tmp_path, path, kind):
    assert kind == find_filesystem(type(tmp_path)(path), MOUNTS)[0]


def test_without_a_table_of_mounts_nothing_is_known(tmp_path, monkeypatch):
    monkeypatch.setattr(state_dir, "MOUNTS", tmp_path / "none")

    assert "" == state_dir.read_mounts()
    assert ("", "") == find_filesystem(tmp_path, "")


def test_a_network_file_system_is_refused_by_name(tmp_path):
    """Locks there are late or missing, and shared memory is not shared."""
    with pytest.raises(StateDirError, match=r"state_dir: .*/state is on nfs4 \(mounted at"):
        make_directory(tmp_path / "state", mounts=f"server:/x {tmp_path.resolve()} nfs4 rw 0 0")

    assert not (tmp_path / "state").exists()


def test_this_host_is_local(tmp_path):
    make_directory(tmp_path / "a" / "state")

    assert 0o700 == stat.S_IMODE((tmp_path / "a" / "state").stat().st_mode)


@pytest.mark.parametrize("mode", [0o770, 0o702, 0o1777])
def test_a_directory_that_others_may_write_is_refused(tmp_path, mode):
    """They could plant links and pipes for us to open, or files for us to believe."""
    (tmp_path / "state").mkdir()
    (tmp_path / "state").chmod(mode)

    with pytest.raises(StateDirError, match="others may write; chmod 700"):
        make_directory(tmp_path / "state")


def test_a_directory_that_others_may_list_is_fine(tmp_path):
    (tmp_path / "state").mkdir()
    (tmp_path / "state").chmod(0o755)

    make_directory(tmp_path / "state")


@pytest.fixture
def other_user(monkeypatch):
    """What this process makes belongs, from now on, to somebody else."""
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)


def test_a_directory_of_another_user_is_refused(tmp_path, other_user):
    with pytest.raises(StateDirError, match=r"state_dir: .* belongs to user \d+, expected \d+"):
        make_directory(tmp_path / "state")


def test_our_own_link_is_followed(tmp_path):
    (tmp_path / "real").mkdir(mode=0o700)
    (tmp_path / "link").symlink_to(tmp_path / "real")

    make_directory(tmp_path / "link")


def test_a_file_in_its_place_is_an_error(tmp_path):
    (tmp_path / "state").write_text("")

    with pytest.raises(FileExistsError):
        make_directory(tmp_path / "state")


def test_the_lock_is_not_left_with_a_child_that_was_forked_meanwhile(tmp_path):
    """Closing is not enough: the child has the same open file, and the next start would hang."""
    ready, done = os.pipe(), os.pipe()
    with state_dir.locked(tmp_path):
        child = os.fork()
        if child == 0:
            os.write(ready[1], b"x")
            os.read(done[0], 1)
            os._exit(0)
        os.read(ready[0], 1)

    with state_dir.locked(tmp_path):
        os.write(done[1], b"x")
    os.waitpid(child, 0)
    for end in (*ready, *done):
        os.close(end)


def test_a_planted_link_is_not_locked(tmp_path):
    (tmp_path / "lock").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(OSError), state_dir.locked(tmp_path):
        pass

    assert not (tmp_path / "elsewhere").exists()
