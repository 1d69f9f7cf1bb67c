using System.Text;

namespace StreamingCnn.Attacks.Tests.Samples;

/// <summary>Pickles that would run programs if they were run, and small ones that ask for much.</summary>
internal static class MaliciousPickles
{
    private const int Many = 100_000;
    private const string Storage = "(S'storage'\nctorch\nFloatStorage\nS'0'\nS'cpu'\nI6\ntQ";

    public static readonly IReadOnlyList<(string Name, byte[] Bytes)> All =
    [
        .. Calls().Select(call => ($"call-{call.Name}", WeightSamples.Text(call.Text))),
        .. Bombs().Select(bomb => ($"bomb-{bomb.Name}", WeightSamples.Text(bomb.Text))),
    ];

    private static IEnumerable<(string Name, string Text)> Calls()
    {
        string[] names =
        [
            "os\nsystem", "posix\nsystem", "nt\nsystem", "subprocess\nPopen", "subprocess\ncheck_output",
            "builtins\neval", "builtins\nexec", "__builtin__\neval", "builtins\n__import__",
            "builtins\ngetattr", "builtins\nopen", "builtins\nprint",
            "runpy\n_run_code", "importlib\nimport_module", "ctypes\nCDLL", "pty\nspawn", "socket\nsocket", "shutil\nrmtree",
            "webbrowser\nopen", "pickle\nloads", "marshal\nloads", "torch\nload", "torch.hub\nload",
            "numpy.testing._private.utils\nrunstring", "numpy\nload", "timeit\ntimeit", "pip\nmain", "functools\npartial",
            "operator\nattrgetter", "_io\nFileIO", "pathlib\nPath.unlink", "codecs\nencode", "my.module\nanything",
        ];
        foreach (var name in names)
        {
            yield return ($"{name.Replace('\n', '.')}-reduce", $"c{name}\n(S'touch owned'\ntR.");
            yield return ($"{name.Replace('\n', '.')}-beside", $"(dS'x'\nc{name}\n(S'touch owned'\ntRs.");
            yield return ($"{name.Replace('\n', '.')}-inst", $"(S'touch owned'\ni{name}\n.");
            yield return ($"{name.Replace('\n', '.')}-build", $"c{name}\n(S'touch owned'\nt\u0081(dS'__class__'\nNsb.");
        }
    }

    private static IEnumerable<(string Name, string Text)> Bombs()
    {
        var name = new string('n', 500_000);
        yield return ("joined-names", $"(dS'{name}'\n(d{Repeat(i => $"S'{i}'\nNs")}s.");
        yield return ("joined-names-of-tensors", $"(dS'{name}'\n(d{Repeat(i => $"I{i}\ng9\ns", 10_000)}s.");
        yield return (
            "nested-names", string.Concat(Enumerable.Repeat($"(dS'{new string('n', 2000)}'\n", 300)) + "N" + new string('s', 300) + ".");
        yield return ("doubling", $"(lp0\n{Repeat(i => "(g0\ng0\nlp0\n", 50_000)}.");
        yield return ("append-itself", $"(lp0\n{Repeat(_ => "h\0a")}.");
        yield return ("extend-itself", $"(lp0\n({Repeat(_ => "h\0")}e.");
        yield return ("dup", $"N{new string('2', 1_000_000)}.");
        yield return ("dictionaries", $"{new string('}', 1_000_000)}.");
        yield return ("lists", $"{new string(']', 1_000_000)}.");
        yield return ("tuples", $"{Repeat(_ => ")\u0085", 500_000)}.");
        yield return ("nested-tuples", $"N{new string('\u0085', 1_000_000)}.");
        yield return ("marks", $"{new string('(', 1_000_000)}.");
        yield return ("sets", $"{new string('\u008f', 1_000_000)}.");
        yield return ("memo", $"N{Repeat(i => $"p{i}\n")}.");
        yield return ("colliding-memo", $"N{Repeat(i => $"p{((long)i << 32) | (uint)i}\n", 40_000)}.");
        yield return (
            "ordered-dictionaries-of-one-list",
            $"((l{Repeat(i => $"(I{i}\nNta", 20_000)}tp0\n{Repeat(_ => "ccollections\nOrderedDict\ng0\nR", 20_000)}.");
        yield return (
            "shapes-of-one-tuple",
            $"({Repeat(i => "I1\n")}tp0\n{Repeat(_ => $"ctorch._utils\n_rebuild_tensor_v2\n({Storage}I0\ng0\ng0\nI00\nNtR", 2000)}.");
        yield return ("sizes-of-one-tuple", $"({Repeat(i => "I1\n")}tp0\n{Repeat(_ => "ctorch\nSize\ng0\nR", 20_000)}.");
        yield return ("keys-of-storages", $"(S'storage'\nctorch\nFloatStorage\nS'{name}'\nS'cpu'\nI6\ntp0\n{Repeat(_ => "g0\nQ")}.");
        yield return ("names-of-classes", $"\u0080\u0004S'{name}'\np0\n{Repeat(_ => "g0\ng0\n\u0093")}.");
        yield return ("long-number", $"L{new string('9', 1_000_000)}L\n.");
        yield return ("long4", "\u008b\u00ff\u00ff\u00ff\u007f" + new string('\u0001', 100_000) + ".");
        yield return ("long4-negative", "\u008b\u0000\u0000\u0000\u0080.");
        yield return ("text-of-two-gigabytes", "X\u00ff\u00ff\u00ff\u007fabc.");
        yield return ("text-of-exabytes", "\u008d\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u007fabc.");
        yield return ("bytes-of-exabytes", "\u0096\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ffabc.");
        yield return ("unicode", $"V{string.Concat(Enumerable.Repeat("\\u0041", 150_000))}\n.");
        yield return ("expanded", Tensors("(I1000000000\nt(I0\nt"));
        yield return ("expanded-again-and-again", $"(d{Repeat(i => $"I{i}\n{Tensor("(I1000000\nt(I0\nt")}s", 5000)}.");
        yield return ("negative-strides", Tensors("(I6\nt(I-1\nt"));
        yield return ("overflowing-sizes", Tensors("(I4611686018427387904\nI4611686018427387904\nI4\nt(I0\nI0\nI0\nt"));
        yield return ("overflowing-strides", Tensors("(I2\nI2\nt(I9223372036854775807\nI9223372036854775807\nt"));
        yield return (
            "dictionaries-of-dictionaries",
            "(dp0\n" + string.Concat(Enumerable.Range(1, 20_000).Select(i => $"0(dS'l'\ng{i - 1}\nsS'r'\ng{i - 1}\nsp{i}\n")) + ".");
        yield return ("itself", "(dp0\nS'self'\ng0\ns.");
    }

    private static string Tensor(string shape) => $"ctorch._utils\n_rebuild_tensor_v2\n({Storage}I0\n{shape}I00\nNtR";

    private static string Tensors(string shape) => $"(dS'x'\n{Tensor(shape)}s.";

    private static string Repeat(Func<int, string> piece, int times = Many)
    {
        var text = new StringBuilder();
        for (var i = 0; i < times; i++)
            text.Append(piece(i));
        return text.ToString();
    }
}
