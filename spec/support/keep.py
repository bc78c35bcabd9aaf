"""keep DIR [COMMAND…]: run COMMAND until standard input ends, then end it with
all it started, and remove DIR. Standard input is a pipe from the test process:
it ends when a spec says stop and also when that process dies.

A free port of 127.0.0.1 is chosen first: @PORT@ stands for it in COMMAND and
in the files DIR/*.in, which are written again without the suffix. When the
port listens (or, without COMMAND, at once) "ready PORT" goes to the fifo
DIR/ready; when that fails, "failed" and the text is in DIR/log.
"""
import ctypes, glob, os, random, shutil, signal, socket, sys, time

START, STOP, TRIES = 20, 5, 5
PR_SET_CHILD_SUBREAPER = 36
IGNORED = (signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGTERM)


def free_port():
    while True:
        port = random.randrange(20000, 32000)  # below what the kernel hands out
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", port))
                return port
            except OSError:
                pass


def listens(port):
    """told by /proc: a connection to find out would be a session to count"""
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        if os.path.exists(table):
            with open(table) as f:
                for line in f:
                    word = line.split()
                    if word[3] == "0A" and word[1].endswith(":%04X" % port):
                        return True
    return False


def start(folder, command, port):
    for name in glob.glob(folder + "/*.in"):
        with open(name) as source, open(name[:-3], "w") as out:
            out.write(source.read().replace("@PORT@", str(port)))
    child = os.fork()
    if child:
        return child
    try:
        os.setpgid(0, 0)
        for sign in IGNORED + (signal.SIGPIPE,):
            signal.signal(sign, signal.SIG_DFL)
        log = os.open(folder + "/log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.environ.update(SERVER_DIR=folder, SERVER_PORT=str(port))
        os.execvp(command[0], [c.replace("@PORT@", str(port)) for c in command])
    except OSError as e:
        os.write(2, ("%s: %s\n" % (command[0], e)).encode())
    os._exit(127)


def gone(child):
    return os.waitpid(child, os.WNOHANG)[0] != 0


def wait_for(child, port):
    """True: it listens; False: it ended or takes too long"""
    end = time.monotonic() + START
    while time.monotonic() < end:
        if gone(child):
            return False
        if listens(port):
            return True
        time.sleep(0.01)
    return False


def children():
    with open("/proc/self/task/%d/children" % os.getpid()) as f:
        return [int(pid) for pid in f.read().split()]


def end_all():
    """everything that was started is, or by orphanage becomes, our child"""
    end, told = time.monotonic() + STOP, set()
    while True:
        late = time.monotonic() > end
        for pid in children():
            if late or pid not in told:
                os.kill(pid, signal.SIGKILL if late else signal.SIGTERM)
                told.add(pid)
        try:
            if os.waitpid(-1, os.WNOHANG)[0] == 0:
                time.sleep(0.005)
        except ChildProcessError:
            return


def tell(folder, text):
    """opened for both ways it does not wait for a reader that may have died"""
    ready = os.open(folder + "/ready", os.O_RDWR)
    os.write(ready, (text + "\n").encode())


def run(folder, command):
    if not command:
        return tell(folder, "ready 0")
    for _ in range(TRIES):
        port = free_port()
        if wait_for(start(folder, command, port), port):
            return tell(folder, "ready %d" % port)
        end_all()
        with open(folder + "/log") as log:
            if "in use" not in log.read():  # else another took the port
                break
    tell(folder, "failed")


def main(folder, *command):
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    for sign in IGNORED:  # the pipe alone says when
        signal.signal(sign, signal.SIG_IGN)
    run(folder, command)
    while os.read(0, 4096):
        pass
    end_all()
    shutil.rmtree(folder, ignore_errors=True)


main(*sys.argv[1:])
