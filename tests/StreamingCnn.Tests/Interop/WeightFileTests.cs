using System.Text;
using CsCheck;
using StreamingCnn.Interop.Weights;
using StreamingCnn.Tests.Exactness;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Tests.Interop;

public sealed class WeightFileTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("weights").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void Tensors_of_all_types_come_back_as_they_were()
    {
        var path = Path.Combine(folder, "all.safetensors");
        var tensors = new Dictionary<string, Tensor>
        {
            ["double"] = randn(3, 4, dtype: ScalarType.Float64),
            ["single"] = randn(5, 1, 2),
            ["half"] = randn(7).to(ScalarType.Float16),
            ["brain"] = randn(2, 2).to(ScalarType.BFloat16),
            ["long"] = arange(6, ScalarType.Int64).reshape(2, 3),
            ["byte"] = arange(9, ScalarType.Byte),
            ["flag"] = tensor(true),
            ["empty"] = zeros(0, 3),
            ["slice"] = randn(6, 6).narrow(1, 1, 3),
        };

        Safetensors.Write(path, tensors, new Dictionary<string, string> { ["made by"] = "a test" });
        var read = Safetensors.Read(path);

        Assert.Equal(tensors.Keys, read.Keys);
        foreach (var (name, expected) in tensors)
        {
            Assert.Equal(expected.dtype, read[name].dtype);
            Assert.True(Compare.AreEqual(expected, read[name]), name);
        }

        Assert.Single(Directory.GetFiles(folder));
    }

    [Fact]
    public void A_module_is_saved_and_loaded_in_any_precision()
    {
        var path = Path.Combine(folder, "module.safetensors");
        using var saved = new StreamingCnn.Models.ResNetTrunk(18);
        WeightFile.Save(saved, path);
        using var loaded = new StreamingCnn.Models.ResNetTrunk(18);
        loaded.to(ScalarType.Float64);
        WeightFile.Load(loaded, path);

        foreach (var (name, value) in saved.state_dict())
            Assert.True(Compare.AreEqual(value.to(ScalarType.Float64), loaded.state_dict()[name].to(ScalarType.Float64)), name);
    }

    [Fact]
    public void All_misfits_are_named_together_and_nothing_is_changed()
    {
        var path = Path.Combine(folder, "other.safetensors");
        using var saved = Sequential(("conv", Conv2d(3, 4, 3)), ("more", Conv2d(4, 4, 1)));
        WeightFile.Save(saved, path);
        using var module = Sequential(("conv", Conv2d(3, 5, 3)), ("last", Conv2d(5, 4, 1)));
        var before = module.state_dict().ToDictionary(s => s.Key, s => s.Value.clone());

        var failure = Assert.Throws<WeightMismatchException>(() => WeightFile.Load(module, path));

        Assert.Equal(
            $"The weights in '{path}' do not fit the Sequential: the file lacks 'last.weight', 'last.bias'; it has the unknown 'more.weight', 'more.bias'; "
            + "it has 'conv.weight' as [4, 3, 3, 3] instead of [5, 3, 3, 3]; it has 'conv.bias' as [4] instead of [5].",
            failure.Message);
        Assert.All(module.state_dict(), s => Assert.True(Compare.AreEqual(s.Value, before[s.Key])));
    }

    [Theory]
    [InlineData("", "it has 0 bytes, but the header's length alone takes 8")]
    [InlineData("\xff\xff\xff\xff\xff\xff\xff\x7f{}", "its header would take 9223372036854775807 bytes")]
    [InlineData("\x04\0\0\0\0\0\0\0nope", "its header is not what the format asks for")]
    [
        InlineData(
            "\x3a\0\0\0\0\0\0\0{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,800]}}  ",
            "the tensor 'a' lies outside of the file")
    ]
    [
        InlineData(
            "\x38\0\0\0\0\0\0\0{\"a\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,8]}}  12345678",
            "the tensor 'a' of shape [3] does not fill its 8 bytes")
    ]
    [
        InlineData(
            "\x38\0\0\0\0\0\0\0{\"a\":{\"dtype\":\"C64\",\"shape\":[1],\"data_offsets\":[0,8]}}  12345678",
            "the tensor 'a' has the type 'C64', which is not supported")
    ]
    public void Damaged_files_are_answered_with_one_sentence(string content, string what)
    {
        var path = Path.Combine(folder, "bad.safetensors");
        File.WriteAllBytes(path, Encoding.Latin1.GetBytes(content));

        Assert.Equal(
            $"'{path}' is not a safetensors file, or is damaged: {what}.",
            Assert.Throws<WeightFileException>(() => Safetensors.Read(path)).Message);
    }

    [Theory]
    [
        InlineData(
            "{\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]},\"b\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[1,3]}}",
            3,
            "the tensor 'b' overlaps another one")
    ]
    [InlineData("{\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[1,3]}}", 3, "before the tensor 'a' there is a gap")]
    [InlineData("{\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]}}", 3, "it has 1 bytes behind the last tensor")]
    [
        InlineData(
            "{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[1,2]}}",
            2,
            "the tensor 'a' is there twice")
    ]
    [
        InlineData(
            "{\"a\":{\"dtype\":\"U8\",\"shape\":[-2,-2],\"data_offsets\":[0,4]}}",
            4,
            "the tensor 'a' of shape [-2, -2] does not fill its 4 bytes")
    ]
    [
        InlineData(
            "{\"a\":{\"dtype\":\"U8\",\"shape\":[-2,0],\"data_offsets\":[0,0]}}",
            0,
            "the tensor 'a' of shape [-2, 0] does not fill its 0 bytes")
    ]
    [
        InlineData(
            "{\"a\":{\"dtype\":\"F32\",\"shape\":[4611686018427387904,4611686018427387904,4],\"data_offsets\":[0,0]}}",
            0,
            "the tensor 'a' of shape [4611686018427387904, 4611686018427387904, 4] does not fill its 0 bytes")
    ]
    [InlineData("{\"__metadata__\":{\"a\":3}}", 0, "its header is not what the format asks for")]
    [InlineData("[]", 0, "its header is not what the format asks for")]
    public void Headers_that_contradict_themselves_or_the_file_are_refused(string header, int values, string what)
    {
        var path = Path.Combine(folder, "bad.safetensors");
        File.WriteAllBytes(path, [.. BitConverter.GetBytes((long)header.Length), .. Encoding.UTF8.GetBytes(header), .. new byte[values]]);

        Assert.Equal(
            $"'{path}' is not a safetensors file, or is damaged: {what}.",
            Assert.Throws<WeightFileException>(() => Safetensors.Read(path)).Message);
    }

    [Fact]
    public void No_damage_gives_another_exception_than_the_one_that_names_the_file()
    {
        var path = Path.Combine(folder, "damaged.safetensors");
        Safetensors.Write(
            path,
            new Dictionary<string, Tensor> { ["a"] = randn(2, 3), ["b.c"] = tensor(true) },
            new Dictionary<string, string> { ["k"] = "v" });
        var sample = File.ReadAllBytes(path);
        Gen.Select(Gen.Select(Gen.Int[0, sample.Length - 1], Gen.Byte).Array[0, 4], Gen.Int[0, 3 * sample.Length]).Sample(
            (changes, cut) =>
            {
                using var scope = NewDisposeScope();
                var bytes = sample.ToArray();
                foreach (var (at, value) in changes)
                    bytes[at] = value;
                var damaged = Path.Combine(folder, $"{Guid.NewGuid():N}.safetensors");
                File.WriteAllBytes(damaged, bytes[..Math.Min(cut, bytes.Length)]);
                try
                {
                    Safetensors.Read(damaged);
                }
                catch (WeightFileException failure)
                {
                    return failure.Message.Contains(damaged, StringComparison.Ordinal);
                }
                finally
                {
                    File.Delete(damaged);
                }

                return true;
            },
            iter: 3000);
    }

    [Fact]
    public void Metadata_comes_back_in_order()
    {
        var path = Path.Combine(folder, "meta.safetensors");
        Safetensors.Write(
            path,
            new Dictionary<string, Tensor> { ["a"] = ones(1) },
            new Dictionary<string, string> { ["z"] = "last \"first\"", ["a"] = "é" });
        Assert.Equal([new("z", "last \"first\""), new("a", "é")], Safetensors.ReadMetadata(path));
        Safetensors.Write(path, new Dictionary<string, Tensor> { ["a"] = ones(1) });
        Assert.Empty(Safetensors.ReadMetadata(path));
    }

    [Fact]
    public void What_cannot_be_written_or_read_is_said_and_leaves_the_old_file()
    {
        var path = Path.Combine(folder, "kept.safetensors");
        Safetensors.Write(path, new Dictionary<string, Tensor> { ["a"] = ones(1) });
        var before = File.ReadAllBytes(path);

        Assert.Contains(
            "ComplexFloat32",
            Refusal(() => Safetensors.Write(path, [new("a", zeros(1, ScalarType.ComplexFloat32))])),
            StringComparison.Ordinal);
        Assert.Contains(
            "the name is reserved", Refusal(() => Safetensors.Write(path, [new("__metadata__", ones(1))])), StringComparison.Ordinal);
        Assert.Contains(
            "the name is there twice",
            Refusal(() => Safetensors.Write(path, [new("a", ones(1)), new("a", ones(1))])),
            StringComparison.Ordinal);
        Assert.StartsWith(
            "'", Refusal(() => Safetensors.Write(Path.Combine(folder, "no", "such", "folder"), [])), StringComparison.Ordinal);
        Assert.Equal($"There is no file '{path}x'.", Refusal(() => WeightFile.Read(path + "x")));
        Assert.Equal($"'{folder}' is a folder, not a file of weights.", Refusal(() => WeightFile.Read(folder)));
        Assert.Equal(before, File.ReadAllBytes(path));
        Assert.Single(Directory.GetFiles(folder));

        static string Refusal(Action action) => Assert.Throws<WeightFileException>(action).Message;
    }

    [Fact]
    public void A_checkpoint_of_PyTorch_is_loaded_by_its_content_whatever_its_name()
    {
        var path = Path.Combine(folder, "weights.bin");
        File.WriteAllBytes(path, Convert.FromBase64String(PickledSamples.Legacy));
        using var module = new Sample();
        module.to(ScalarType.Float64);

        WeightFile.Load(module, path);

        Assert.Equal([1d, 2d, 3d, 4d, 5d, 6d], module.w.data<double>());
        Assert.Equal([1d, 4d, 2d, 5d, 3d, 6d], module.wt.data<double>());
        Assert.True(module.w.requires_grad);
    }

    [Fact]
    public void The_prefix_of_data_parallel_training_is_taken_off_and_counters_of_batches_may_be_missing_or_extra()
    {
        using var saved = Sequential(("conv", Conv2d(1, 2, 1)), ("norm", BatchNorm2d(2)));
        using var loaded = Sequential(("conv", Conv2d(1, 2, 1)), ("norm", BatchNorm2d(2)));
        var path = Path.Combine(folder, "parallel.safetensors");
        Assert.Contains("norm.num_batches_tracked", saved.state_dict().Keys);
        Safetensors.Write(path, saved.state_dict()
            .Where(s => !s.Key.EndsWith("num_batches_tracked", StringComparison.Ordinal))
            .Select(s => KeyValuePair.Create("module." + s.Key, s.Value))
            .Append(new("module.other.num_batches_tracked", tensor(3L))));

        WeightFile.Load(loaded, path);

        Assert.True(Compare.AreEqual(saved.state_dict()["conv.weight"], loaded.state_dict()["conv.weight"]));
    }

    private sealed class Sample : Module
    {
        public readonly TorchSharp.Modules.Parameter w = new(zeros(2, 3));
        public readonly TorchSharp.Modules.Parameter wt = new(zeros(3, 2));
        public readonly Tensor n = tensor(0L);

        public Sample()
            : base("Sample")
        {
            RegisterComponents();
        }
    }

    [Fact]
    public void A_file_of_another_maker_is_read()
    {
        var path = Path.Combine(SharedFiles.Folder("data"), "weights", "resnet20-cifar10.safetensors");
        var tensors = Safetensors.Read(path);
        Assert.Equal(97, tensors.Count);
        Assert.Equal(
            269_722,
            tensors.Where(t => t.Key.EndsWith("weight", StringComparison.Ordinal) || t.Key.EndsWith("bias", StringComparison.Ordinal))
                .Sum(t => t.Value.numel()));
    }

    [Fact]
    public void Published_weights_of_either_kind_give_a_network_the_same_outputs_whole_and_streamed()
    {
        var weights = Path.Combine(SharedFiles.Folder("data"), "weights");
        using var scope = NewDisposeScope();
        using var pickled = new CifarResNet();
        using var safe = new CifarResNet();
        WeightFile.Load(pickled, Path.Combine(weights, "resnet20-cifar10-12fca82f.th"));
        WeightFile.Load(safe, Path.Combine(weights, "resnet20-cifar10.safetensors"));

        using var _ = no_grad();
        var images = randn([4, 3, 33, 45], generator: new Generator(5));
        var expected = safe.forward(images);
        Assert.True(Compare.AreEqual(expected, pickled.forward(images)));
        // Untrained networks hardly tell one image of noise from another.
        Assert.True(expected.std(0).max().item<float>() > 0.1);
        using var streamed = new StreamingModule(pickled.Trunk, new() { Tile = (16, 16) });
        Assert.True(pickled.Head(streamed.forward(images)).allclose(expected, 1e-4, 1e-4));
    }
}
