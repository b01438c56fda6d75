//! The lines: every way out of a network namespace, of a file system and of a proxy that is publicly known.
//!
//! `{tcp}` and other names stand for what `Targets::fill` puts there, `{canary}` for what a line prints that has got something.

/// Reach something where nothing keeps them from it, and so prove that they would.
pub(super) const SURE: &[&str] = &[
    "exec 3<>/dev/tcp/127.0.0.1/{tcp}; cat <&3",
    "exec 3<>/dev/tcp/::1/{tcp6}; cat <&3",
    "exec 3<>/dev/tcp/localhost/{tcp}; cat <&3",
    "exec 3<>/dev/tcp/127.0.0.1/{any}; cat <&3",
    "exec 3<>/dev/tcp/{host}/{any}; cat <&3",
    "exec 3<>/dev/tcp/0.0.0.0/{any}; cat <&3",
    "echo x >/dev/udp/127.0.0.1/{udp}",
    "python3 -c 'import socket; s = socket.create_connection((\"127.0.0.1\", {tcp})); print(s.recv(99))'",
    r#"perl -MSocket -e 'socket(S, AF_UNIX, SOCK_STREAM, 0); connect(S, pack_sockaddr_un("\0{abstract}")); print <S>'"#,
    r"for d in {folders}; do perl -MSocket -e 'socket(S, AF_UNIX, SOCK_STREAM, 0); connect(S, pack_sockaddr_un($ARGV[0])); print <S>' $d/stream.sock; done",
    r#"for d in {folders}; do perl -MSocket -e 'socket(S, AF_UNIX, SOCK_DGRAM, 0); send(S, "x", 0, pack_sockaddr_un($ARGV[0]))' $d/datagram.sock; done"#,
    r#"for d in {folders}; do perl -MSocket -e 'socketpair(A, B, AF_UNIX, SOCK_DGRAM, 0); connect(A, pack_sockaddr_un($ARGV[0])); send(A, "x", 0)' $d/datagram.sock; done"#,
    r#"for d in {folders}; do perl -MSocket -e 'socket(S, AF_UNIX, SOCK_STREAM, 0); connect(S, pack_sockaddr_un("/proc/self/root$ARGV[0]")); print <S>' $d/stream.sock; done"#,
    r#"for d in {folders}; do cd $d && perl -MSocket -e 'socket(S, AF_UNIX, SOCK_STREAM, 0); connect(S, pack_sockaddr_un("stream.sock")); print <S>'; done"#,
    r#"for d in {folders}; do ln -s $d/stream.sock s; perl -MSocket -e 'socket(S, AF_UNIX, SOCK_STREAM, 0); connect(S, pack_sockaddr_un("s")); print <S>'; rm s; done"#,
];

/// The same and others, of which some need what not every machine has.
pub(super) const MORE: &[&str] = &[
    // Metadata services, the internet by address, names.
    "exec 3<>/dev/tcp/169.254.169.254/80 && echo {canary}",
    "exec 3<>/dev/tcp/fd00:ec2::254/80 && echo {canary}",
    "exec 3<>/dev/tcp/100.100.100.200/80 && echo {canary}",
    "exec 3<>/dev/tcp/1.1.1.1/443 && echo {canary}",
    "exec 3<>/dev/tcp/2606:4700:4700::1111/443 && echo {canary}",
    "exec 3<>/dev/tcp/8.8.8.8/53 && echo {canary}",
    "echo x >/dev/udp/8.8.8.8/53 && echo {canary}",
    "getent hosts example.com metadata.google.internal && echo {canary}",
    "exec 3<>/dev/tcp/metadata.google.internal/80 && echo {canary}",
    "exec 3<>/dev/tcp/example.com/443 && echo {canary}",
    "ping -c 1 -W 1 {host} && echo {canary}",
    // Kinds of sockets that no network namespace holds back, or that lead below it.
    "perl -e 'socket(S, 40, 1, 0) and print \"{canary}\"'",
    "perl -e 'socket(S, 31, 3, 1) and print \"{canary}\"'",
    "perl -e 'socket(S, 38, 5, 0) and print \"{canary}\"'",
    "perl -e 'socket(S, 17, 3, 768) and print \"{canary}\"'",
    "perl -e 'socket(S, 21, 5, 0) and print \"{canary}\"'",
    "perl -e 'socket(S, 30, 5, 0) and print \"{canary}\"'",
    "python3 -c 'import socket; s = socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM); print(\"{canary}\")'",
    // A second set of numbers for the same calls, and rings that need none of them.
    "perl -e 'syscall(0x40000029, 40, 1, 0) >= 0 and print \"{canary}\"'",
    "perl -e 'my $p = \"\\0\" x 120; syscall(425, 8, $p) >= 0 and print \"{canary}\"'",
    // Keyrings, which no namespace of a run holds: that of its login, a new key, and a key of somebody else.
    "perl -e 'syscall(250, 0, -3, 1) >= 0 and print \"{canary}\"'",
    "perl -e 'my ($t, $d, $k) = (\"user\", \"lamp\", \"x\"); syscall(248, $t, $d, $k, 1, -2) >= 0 and print \"{canary}\"'",
    "perl -e 'my ($t, $d) = (\"user\", \"lamp\"); syscall(249, $t, $d, 0, -2) >= 0 and print \"{canary}\"; $! == 1 or print \"{canary}\"'",
    // Other namespaces.
    "nsenter -t 1 -n true && nsenter -t 1 -n cat /proc/net/tcp | grep -qi $(printf :%04X {tcp}) && echo {canary}",
    "for p in /proc/[0-9]*; do grep -qi $(printf :%04X {tcp}) $p/net/tcp && echo {canary}; done",
    "unshare -rn true; grep -q {abstract} /proc/net/unix && echo {canary}",
    "unshare -rnm sh -c 'mount -t sysfs none /sys; ls /sys/class/net | grep -v lo' && echo {canary}",
    "ip link add v0 type veth peer name v1 netns 1 && echo {canary}",
    "ls /sys/class/net 2>/dev/null | grep -v '^lo$' && echo {canary}",
    // The files of a network.
    "cat /run/docker.sock /var/run/docker.sock /run/dbus/system_bus_socket 2>&1 | grep -q 'No such device or address' && echo {canary}",
];

/// The proxy, asked for what is not on its list. Each has the login of the run.
pub(super) const THROUGH: &[&str] = &[
    "127.0.0.1:{tcp}",
    "localhost:{tcp}",
    "LOCALHOST:{tcp}",
    "[::1]:{tcp6}",
    "0.0.0.0:{any}",
    "[::]:{any}",
    "[::ffff:127.0.0.1]:{tcp}",
    "127.1:{tcp}",
    "2130706433:{tcp}",
    "0x7f000001:{tcp}",
    "{host}:{any}",
    "169.254.169.254:80",
    "[fd00:ec2::254]:80",
    "metadata.google.internal:80",
    "example.com:443",
    "named.example@127.0.0.1:{tcp}",
    // On the list by its name, which leads into this machine.
    "localhost:{any}",
];
