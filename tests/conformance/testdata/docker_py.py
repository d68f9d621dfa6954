"""A walk through docker-py, the library of Python; prints one line for each part that works."""
import io
import tarfile
import docker

client = docker.from_env(timeout=90)
assert client.ping()
print("ping", client.version()["Os"])

assert client.containers.run("busybox", ["echo", "hi"], remove=True) == b"hi\n"
try:
    client.containers.run("busybox", ["sh", "-c", "echo bad >&2; exit 3"], remove=True)
    raise SystemExit("no error for exit code 3")
except docker.errors.ContainerError as error:
    assert error.exit_status == 3 and error.stderr == b"bad\n", error
print("run")

container = client.containers.run("busybox", ["sleep", "1000"], name="py", detach=True, environment={"A": "1"}, labels={"l": "1"})
container.reload()
assert container.status == "running"
assert [c.name for c in client.containers.list(filters={"label": "l=1"})] == ["py"]
code, output = container.exec_run(["sh", "-c", "echo $A; exit 2"])
assert (code, output) == (2, b"1\n"), (code, output)
code, (out, err) = container.exec_run(["sh", "-c", "echo o; echo e >&2"], demux=True)
assert (out, err) == (b"o\n", b"e\n")
print("exec")

archive = io.BytesIO()
with tarfile.open(fileobj=archive, mode="w") as tar:
    info = tarfile.TarInfo("put")
    info.size = 4
    tar.addfile(info, io.BytesIO(b"data"))
assert container.put_archive("/tmp", archive.getvalue())
stream, stat = container.get_archive("/tmp/put")
assert stat["name"] == "put" and stat["size"] == 4, stat
with tarfile.open(fileobj=io.BytesIO(b"".join(stream))) as tar:
    assert tar.extractfile("put").read() == b"data"
assert any(change["Path"] == "/tmp/put" for change in container.diff())
print("archives")

assert container.stats(stream=False)["pids_stats"]["current"] >= 1
assert "sleep" in str(container.top())
container.pause()
container.unpause()
container.rename("py2")
container.update(cpu_shares=512)
container.restart(timeout=0)
container.stop(timeout=0)
assert container.wait()["StatusCode"] == 137
image = container.commit("py", tag="1")
assert image.tags == ["py:1"], image.tags
container.remove()
client.images.remove("py:1")
print("life")

volume = client.volumes.create("pyv", labels={"a": "b"})
assert [v.name for v in client.volumes.list(filters={"label": "a=b"})] == ["pyv"]
client.containers.run("busybox", ["touch", "/v/f"], volumes={"pyv": {"bind": "/v", "mode": "rw"}}, remove=True)
volume.remove()
network = client.networks.create("pyn", driver="bridge", check_duplicate=True)
other = client.containers.run("busybox", ["sleep", "1000"], detach=True)
network.connect(other, aliases=["x"])
network.reload()
assert [c.id for c in network.containers] == [other.id]
network.disconnect(other)
other.remove(force=True)
network.remove()
print("volumes and networks")

image, _ = client.images.build(fileobj=io.BytesIO(b"FROM busybox\nRUN echo x > /x\nCMD cat /x\n"), tag="pyb", rm=True)
assert client.containers.run("pyb", remove=True) == b"x\n"
saved = b"".join(client.images.get("pyb").save())
client.images.remove("pyb", force=True)
assert client.images.load(saved)[0].id == image.id
client.images.remove(image.id, force=True)
print("images")

socket = client.api.attach_socket
container = client.containers.create("busybox", ["cat"], stdin_open=True)
sock = container.attach_socket(params={"stdin": 1, "stdout": 1, "stream": 1})
container.start()
sock._sock.sendall(b"echo\n")
assert b"echo\n" in sock.read(13)
sock.close()
container.remove(force=True)
logs = client.containers.run("busybox", ["sh", "-c", "for i in 1 2 3; do echo $i; done"], detach=True)
logs.wait()
assert b"".join(logs.logs(stream=True)) == b"1\n2\n3\n"
assert logs.logs(tail=1) == b"3\n"
logs.remove()
print("streams")
