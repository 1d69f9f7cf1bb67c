using System.Diagnostics;
using System.IO.Compression;
using System.Text;
using CsCheck;
using StreamingCnn.Interop.Weights;
using StreamingCnn.Tests.Exactness;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Tests.Interop;

public sealed class PyTorchStateDictTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("pickles").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void A_published_file_holds_what_its_safetensors_copy_holds()
    {
        var weights = Path.Combine(SharedFiles.Folder("data"), "weights");
        var expected = Safetensors.Read(Path.Combine(weights, "resnet20-cifar10.safetensors"));

        var read = PyTorchStateDict.Read(Path.Combine(weights, "resnet20-cifar10-12fca82f.th"));

        Assert.Equal(expected.Keys.Select(name => "module." + name), read.Keys);
        foreach (var (name, value) in expected)
        {
            Assert.Equal(value.dtype, read["module." + name].dtype);
            Assert.True(Compare.AreEqual(value, read["module." + name]), name);
        }
    }

    [Theory]
    [InlineData(PickledSamples.Legacy)]
    [InlineData(PickledSamples.Zip)]
    [InlineData(PickledSamples.ZipProtocol4)]
    [InlineData(PickledSamples.ZipBigEndian)]
    public void What_python_pickled_is_read_with_strides_and_shared_storage(string content)
    {
        var read = PyTorchStateDict.Read(Write(Convert.FromBase64String(content)));

        Assert.Equal(["w", "wt", "n"], read.Keys);
        Assert.Equal([1f, 2f, 3f, 4f, 5f, 6f], read["w"].data<float>());
        Assert.Equal([2L, 3L], read["w"].shape);
        Assert.Equal([3L, 2L], read["wt"].shape);
        Assert.Equal([1L, 3L], read["wt"].stride());
        Assert.True(Compare.AreEqual(read["w"].t(), read["wt"]));
        Assert.Empty(read["n"].shape);
        Assert.Equal(-5, read["n"].item<long>());

        read["w"].fill_(9);
        Assert.Equal(9, read["wt"][2, 1].item<float>());
    }

    [Fact]
    public void What_is_written_is_read_again()
    {
        using var scope = NewDisposeScope();
        ScalarType[] types =
        [
            ScalarType.Float64, ScalarType.Float32, ScalarType.Float16, ScalarType.BFloat16, ScalarType.Int64, ScalarType.Int32,
            ScalarType.Int16, ScalarType.Int8, ScalarType.Byte, ScalarType.Bool,
        ];
        var written = types.ToDictionary(type => $"layer.{type}", type => randn(3, 257, 2).to(type));
        written["ä.none"] = empty(0, 3);
        written["number"] = tensor(-7L);
        written["turned"] = rand(4, 5).t();
        var path = Path.Combine(folder, "written.pth");

        PyTorchStateDict.Write(path, written);
        var read = WeightFile.Read(path);

        Assert.Equal(written.Keys, read.Keys);
        foreach (var (name, value) in written)
        {
            Assert.Equal((name, value.dtype), (name, read[name].dtype));
            Assert.Equal(value.shape, read[name].shape);
            Assert.True(value.numel() == 0 || Compare.AreEqual(value, read[name]), name);
        }

        Assert.Equal(["written.pth"], Directory.GetFiles(folder).Select(Path.GetFileName));
        var complex = zeros(1, ScalarType.ComplexFloat32);
        var refusal = Assert.Throws<WeightFileException>(() => PyTorchStateDict.Write(path, [new("z", complex)]));
        Assert.Contains("'z' cannot be written", refusal.Message, StringComparison.Ordinal);
    }

    /// <summary>Where PyTorch is installed it is asked itself.</summary>
    [Fact]
    public void What_is_written_is_what_python_reads()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "There is no shell that is known.");
        using var scope = NewDisposeScope();
        var path = Path.Combine(folder, "written.pth");
        PyTorchStateDict.Write(path, [new("weight", arange(6, ScalarType.Float32).reshape(2, 3)), new("count", tensor(3L))]);
        const string Script = "import sys, torch; d = torch.load(sys.argv[1]); print(type(d).__name__, d['weight'].tolist(), d['count'].item())";
        // The system's own may have PyTorch where another one comes first.
        var run = $"-c \"{Script}\" '{path}'";
        using var python = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", $"python3 {run} || /usr/bin/python3 {run}"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        var output = python.StandardOutput.ReadToEnd();
        var errors = python.StandardError.ReadToEnd();
        string[] lacks = ["No module named 'torch'", "not found"];
        Assert.SkipWhen(
            output.Length == 0 && lacks.Any(lack => errors.Contains(lack, StringComparison.Ordinal)), "PyTorch is not installed.");
        Assert.Equal("OrderedDict [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]] 3", output.Trim());
    }

    [Fact]
    public void Nothing_but_the_result_stays_in_memory()
    {
        var path = Write(Convert.FromBase64String(PickledSamples.Zip));
        using var scope = NewDisposeScope();
        var before = Tensor.TotalCount;
        var read = PyTorchStateDict.Read(path);
        Assert.Equal(before + read.Count, Tensor.TotalCount);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(4)]
    public void Objects_beside_the_weights_are_passed_over(int protocol)
    {
        using var unzipped = new MemoryStream();
        var compressed = new MemoryStream(Convert.FromBase64String(PickledSamples.WithObjectsBeside[protocol]));
        using (var zipped = new ZLibStream(compressed, CompressionMode.Decompress))
            zipped.CopyTo(unzipped);
        var path = Zip(
            ("archive/data.pkl", unzipped.ToArray()),
            ("archive/data/0", [.. Enumerable.Range(1, 6).SelectMany(i => BitConverter.GetBytes((float)i))]),
            ("archive/data/1", new byte[4]));

        using var scope = NewDisposeScope();
        var read = PyTorchStateDict.Read(path);

        Assert.Equal(["w", "wt"], read.Keys);
        Assert.Equal([1f, 2f, 3f, 4f, 5f, 6f], read["w"].data<float>());
        Assert.True(Compare.AreEqual(read["w"].t(), read["wt"]));
    }

    [Theory]
    [InlineData("cbuiltins\ngetattr\n(cmy.nets\nColour\nS'red'\ntR")]
    [InlineData("\u0080\u0002ctorch.jit\nScriptModule\n")]
    [InlineData("\u0080\u0002cmy\nNet\n)}\u0092")]
    [InlineData("\u0080\u0002\u0082\u0001")]
    [InlineData("\u0080\u0002\u0084\u0001\u0000\u0000\u0000)R")]
    [InlineData("(S'module'\nNNNtQ")]
    [InlineData("Psomewhere else\n")]
    [InlineData("(I1\nI2\nimy\nNet\n(dS'a'\nI1\nsb")]
    [InlineData("(cmy\nList\nI1\noI1\na(I2\nI3\ne")]
    [InlineData("cmy\nTensor\n((S'storage'\ncmy\nStorage\nS'7'\nS'cpu'\nI3\ntQI0\ntR")]
    [InlineData("ctorch._utils\n_rebuild_tensor_v2\n((S'storage'\ncmy\nStorage\nS'7'\nS'cpu'\nI3\ntQI0\n(I3\nt(I1\ntI00\nNtR")]
    [InlineData("ctorch._tensor\n_rebuild_from_type_v2\n(ctorch._utils\n_rebuild_tensor_v2\ncmy\nTensor\n(tNtR")]
    public void What_is_not_known_may_stand_anywhere_but_is_no_tensor(string unknown)
    {
        var tensor = TensorText(4, 0, "(I4\nt", "(I1\nt");
        string[] layouts =
        [
            "(dS'x'\nUNKNOWNsS'a'\nTENSORs.",
            "(dS'x'\n(lUNKNOWNaUNKNOWNasS'a'\nTENSORs.",
            "(dUNKNOWNI1\nsS'a'\nTENSORsS'y'\n(UNKNOWN(UNKNOWNtts.",
        ];
        foreach (var layout in layouts)
        {
            var text = layout.Replace("UNKNOWN", unknown, StringComparison.Ordinal).Replace("TENSOR", tensor, StringComparison.Ordinal);
            Assert.Equal(
                ["a"], PyTorchStateDict.Read(Zip(("x/data.pkl", Encoding.Latin1.GetBytes(text)), ("x/data/0", new byte[16]))).Keys);
        }

        var alone = Refusal(Zip(("x/data.pkl", Encoding.Latin1.GetBytes(unknown + "."))));
        Assert.Matches("it holds an object of '[^']+', not a dictionary of tensors .save the model's state_dict", alone);
        alone = Refusal(Zip(("x/data.pkl", Encoding.Latin1.GetBytes($"(dS'model'\n{unknown}s."))));
        Assert.Matches("it holds no dictionary of tensors, but objects such as 'model' of '[^']+'", alone);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    public void A_call_of_the_system_is_refused_by_name_in_every_protocol(int protocol)
    {
        var pickle = Convert.FromBase64String(PickledSamples.CallsOfSystem[protocol]);
        var inZip = Zip(("archive/data.pkl", pickle));

        foreach (var path in new[] { Write(pickle), inZip })
        {
            var failure = Assert.Throws<WeightFileException>(() => WeightFile.Read(path));
            Assert.Equal(
                $"The PyTorch file '{path}' is refused: it asks for 'posix.system', which is not data, and nothing but tensors in plain containers is read "
                + "(save the model's state_dict() alone to get a file that can be read).",
                failure.Message);
        }

        Assert.False(File.Exists("pwned"));
    }

    [Theory]
    [InlineData("cos\nsystem\n(S'touch pwned'\ntR.", "'os.system'")]
    [InlineData("(S'touch pwned'\nios\nsystem\n.", "'os.system'")]
    [InlineData("(cos\nsystem\nS'touch pwned'\no.", "'os.system'")]
    [InlineData("c__builtin__\neval\n(S'1'\ntR.", "'__builtin__.eval'")]
    [InlineData("\u0080\u0002ctorch._utils\n_rebuild_tensor_v2.__globals__\n.", "'torch._utils._rebuild_tensor_v2.__globals__'")]
    [InlineData("\u0080\u0002ctorch\nload\n.", "'torch.load'")]
    [InlineData("\u0080\u0004\u008c\u0008builtins\u008c\u0004" + "exec\u0093.", "'builtins.exec'")]
    [InlineData("ccommands\ngetoutput\n.", "'commands.getoutput'")]
    [InlineData("cnumpy.testing._private.utils\nrunstring\n.", "'numpy.testing._private.utils.runstring'")]
    [InlineData("\u0080\u0004\u008c\u0005torch\u008c\u0009os.system\u0093.", "'torch.os.system'")]
    [InlineData("(dS'x'\ncargparse\nNamespace\n(tR(dS'a'\ncos\nsystem\n(S'touch pwned'\ntRsbs.", "'os.system'")]
    public void What_only_attacks_have_a_use_for_is_refused_by_name(string pickle, string name)
    {
        var path = Zip(("archive/data.pkl", Encoding.Latin1.GetBytes(pickle)));
        var failure = Assert.Throws<WeightFileException>(() => PyTorchStateDict.Read(path));
        Assert.Contains($"it asks for {name}, which is not data", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0, "(I5\nt", "(I1\nt", "a tensor of shape [5] reaches beyond its storage of 4 values")]
    [InlineData(1, "(I4\nt", "(I1\nt", "a tensor of shape [4] reaches beyond its storage of 4 values")]
    [InlineData(4, "(t", "(t", "a tensor of shape [] reaches beyond its storage of 4 values")]
    [InlineData(9223372036854775807, "(I2\nt", "(I9223372036854775807\nt", "reaches beyond its storage")]
    [InlineData(0, "(I3\nI3\nt", "(I4611686018427387904\nI4611686018427387904\nt", "reaches beyond its storage")]
    [InlineData(-1, "(I2\nt", "(I1\nt", "a tensor has a negative size, stride or offset")]
    [InlineData(3, "(I4\nt", "(I-1\nt", "a tensor has a negative size, stride or offset")]
    [InlineData(0, "(I-4\nt", "(I1\nt", "a tensor has a negative size, stride or offset")]
    [InlineData(0, "(I4294967296\nI4294967296\nt", "(I0\nI0\nt", "has too many values")]
    [InlineData(0, "(I2\nt", "(I2\nI2\nt", "a tensor has 1 sizes but 2 strides")]
    [InlineData(0, "(S'x'\nt", "(I1\nt", "a size or stride is missing or of the wrong kind")]
    public void A_view_that_leaves_its_storage_is_refused(long offset, string shape, string strides, string what) =>
        Assert.Contains(what, Refusal(ZipWithTensor(4, offset, shape, strides)), StringComparison.Ordinal);

    [Fact]
    public void A_value_may_be_repeated_but_not_until_the_memory_is_full()
    {
        using var scope = NewDisposeScope();
        var read = PyTorchStateDict.Read(ZipWithTensor(4, 2, "(I1000\nI1000\nt", "(I0\nI0\nt"))["x"];
        Assert.Equal(1_000_000, read.numel());
        Assert.Equal(3, read[999, 5].item<float>());
        Assert.Contains(
            "it would take more memory than a file of",
            Refusal(ZipWithTensor(1, 0, "(I1000000000\nt", "(I0\nt")),
            StringComparison.Ordinal);
        Assert.Contains(
            "it would take more memory than a file of",
            Refusal(ZipWithTensor(4, 2, "(I1000000\nI1000000\nt", "(I0\nI0\nt")),
            StringComparison.Ordinal);
        Assert.Contains(
            "it would take more memory than a file of",
            Refusal(ZipWithTensor(4, 0, "(I4000000000\nI2000000000\nt", "(I0\nI0\nt")),
            StringComparison.Ordinal);
    }

    [Fact]
    public void Storages_that_are_missing_of_another_size_or_compressed_are_refused()
    {
        var pickle = Pickle(4, 0, "(I4\nt", "(I1\nt");
        Assert.Contains("its storage '0' is not there", Refusal(Zip(("archive/data.pkl", pickle))), StringComparison.Ordinal);
        Assert.Contains(
            "has 15 bytes instead of 4 values of 4",
            Refusal(Zip(("archive/data.pkl", pickle), ("archive/data/0", new byte[15]))),
            StringComparison.Ordinal);
        Assert.Contains(
            "is compressed", Refusal(Zip(CompressionLevel.Optimal, ("archive/data.pkl", new byte[500]))), StringComparison.Ordinal);
        Assert.Contains("without PyTorch's 'data.pkl'", Refusal(Zip(("other", pickle))), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("(dS'model'\n(dS'a'\nTENSORss.", "a")]
    [InlineData("(dS'encoder'\n(dS'a'\nTENSORss.", "encoder.a")]
    [InlineData("(dS'epoch'\nI3\nsS'model'\n(dS'a'\n(dS'b'\nTENSORsss.", "a.b")]
    [InlineData("(dS'state_dict'\n(dS'a'\nTENSORssS'model'\n(dS'z'\nTENSORss.", "a")]
    [InlineData("(dS'model'\nTENSORs.", "model")]
    [InlineData("(dS'a'\nTENSORsS'a'\nTENSORs.", "a")]
    [InlineData("(dp1\nS'self'\ng1\nsS'a'\nTENSORs.", "a")]
    public void The_weights_are_found_within_a_checkpoint(string layout, string name)
    {
        var tensor = TensorText(4, 0, "(I4\nt", "(I1\nt");
        var path = Zip(
            ("x/data.pkl", Encoding.Latin1.GetBytes(layout.Replace("TENSOR", tensor, StringComparison.Ordinal))),
            ("x/data/0", new byte[16]));
        Assert.Equal([name], PyTorchStateDict.Read(path).Keys);
    }

    [Theory]
    [InlineData("N.")]
    [InlineData("(d.")]
    [InlineData("(dS'epoch'\nI3\ns.")]
    [InlineData("(dp1\nS'self'\ng1\ns.")]
    public void A_file_without_tensors_is_refused(string pickle) =>
        Assert.Contains(
            "it holds no dictionary of tensors", Refusal(Zip(("x/data.pkl", Encoding.Latin1.GetBytes(pickle)))), StringComparison.Ordinal);

    [Fact]
    public void A_dictionary_named_in_itself_again_and_again_takes_no_time()
    {
        var text = new StringBuilder("(dS'a'\n" + TensorText(4, 0, "(I4\nt", "(I1\nt") + "sp0\n");
        for (var i = 1; i <= 200; i++)
            text.Append($"0(dS'l'\ng{i - 1}\nsS'r'\ng{i - 1}\nsp{i}\n");
        var path = Zip(("x/data.pkl", Encoding.Latin1.GetBytes(text + ".")), ("x/data/0", new byte[16]));
        Assert.Contains("it holds no dictionary of tensors", Refusal(path), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("\u0080\u0002K\u0001.")]
    [InlineData("hello, this is not a file of weights")]
    public void Files_of_another_kind_are_refused_with_one_sentence(string content) =>
        Assert.StartsWith("The PyTorch file '", Refusal(Write(Encoding.Latin1.GetBytes(content))), StringComparison.Ordinal);

    [Fact]
    public void No_damage_gives_another_exception_than_the_one_that_names_the_file()
    {
        var samples = new[] { PickledSamples.Legacy, PickledSamples.Zip, PickledSamples.ZipProtocol4 }.Select(Convert.FromBase64String)
            .ToArray();
        var damage = Gen.Select(Gen.Int[0, samples.Length - 1], Gen.Select(Gen.Int[0, 2000], Gen.Byte).Array[0, 4], Gen.Int[0, 2000]);
        damage.Sample(
            (sample, changes, cut) =>
            {
                using var scope = NewDisposeScope();
                var bytes = samples[sample].ToArray();
                foreach (var (at, value) in changes)
                    bytes[at % bytes.Length] = value;
                var path = Write(cut < bytes.Length && cut % 3 == 0 ? bytes[..cut] : bytes);
                try
                {
                    PyTorchStateDict.Read(path);
                }
                catch (WeightFileException failure)
                {
                    return failure.Message.Contains(path, StringComparison.Ordinal);
                }
                finally
                {
                    File.Delete(path);
                }

                return true;
            },
            iter: 3000);
    }

    private static string TensorText(int count, long offset, string shape, string strides) =>
        $"ctorch._utils\n_rebuild_tensor_v2\n((S'storage'\nctorch\nFloatStorage\nS'0'\nS'cpu'\nI{count}\ntQI{offset}\n{shape}{strides}I00\nNtR";

    private static byte[] Pickle(int count, long offset, string shape, string strides) =>
        Encoding.Latin1.GetBytes($"(dS'x'\n{TensorText(count, offset, shape, strides)}s.");

    private string ZipWithTensor(int count, long offset, string shape, string strides)
    {
        var values = new byte[4 * count];
        Buffer.BlockCopy(Enumerable.Range(1, count).Select(i => (float)i).ToArray(), 0, values, 0, values.Length);
        return Zip(("archive/data.pkl", Pickle(count, offset, shape, strides)), ("archive/data/0", values));
    }

    private string Refusal(string path)
    {
        var message = Assert.Throws<WeightFileException>(() => PyTorchStateDict.Read(path)).Message;
        Assert.Contains($"'{path}'", message, StringComparison.Ordinal);
        Assert.EndsWith(".", message, StringComparison.Ordinal);
        return message;
    }

    private string Write(byte[] content)
    {
        var path = Path.Combine(folder, $"{Guid.NewGuid():N}.pth");
        File.WriteAllBytes(path, content);
        return path;
    }

    private string Zip(params (string Name, byte[] Content)[] entries) => Zip(CompressionLevel.NoCompression, entries);

    private string Zip(CompressionLevel level, params (string Name, byte[] Content)[] entries)
    {
        using var content = new MemoryStream();
        using (var zip = new ZipArchive(content, ZipArchiveMode.Create, leaveOpen: true))
        {
            foreach (var (name, bytes) in entries)
            {
                using var stream = zip.CreateEntry(name, level).Open();
                stream.Write(bytes);
            }
        }

        return Write(content.ToArray());
    }
}
