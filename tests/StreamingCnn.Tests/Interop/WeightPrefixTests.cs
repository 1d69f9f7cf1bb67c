using StreamingCnn.Interop.Weights;
using TorchSharp;
using TorchSharp.Modules;
using static StreamingCnn.Tests.Interop.PickledCheckpoint;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Tests.Interop;

/// <summary>What stands before a module's names in a file is found where it is certain, and chosen by somebody where it is not.</summary>
public sealed class WeightPrefixTests : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly DisposeScope scope = NewDisposeScope();
    private readonly Sequential module = Sequential(("conv", Conv2d(1, 2, 1)));

    public void Dispose()
    {
        scope.Dispose();
        folder.Dispose();
    }

    [Theory]
    [InlineData("module.")]
    [InlineData("model.")]
    [InlineData("backbone.")]
    [InlineData("module.encoder.")]
    [InlineData("_orig_mod.")]
    public void The_only_prefix_behind_which_all_names_fit_is_taken_off_and_said(string prefix)
    {
        var path = Safe([.. Weights(7, prefix), ("head.weight", ones(3))]);
        var loaded = WeightFile.Load(module, path);
        AssertValue(7);
        Assert.Equal(("", prefix), (loaded.Entry, loaded.Prefix));
        Assert.Equal(["head.weight"], loaded.Unused);
    }

    [Fact]
    public void A_checkpoint_of_Lightning_is_read_and_its_classifier_passed_over()
    {
        var path = Path.Combine(SharedFiles.Folder("cases"), "weights-with-a-prefix-refused", "lightning.ckpt");
        using var trunk = ModelCatalogTrunk();
        var misfit = Assert.Throws<WeightMismatchException>(() => WeightFile.Load(trunk, path));
        Assert.Equal(["model.fc.weight", "model.fc.bias"], misfit.Unexpected.Select(name => "model." + name));
        var loaded = WeightFile.Load(trunk, path, strict: false);
        Assert.Equal(("state_dict", "model."), (loaded.Entry, loaded.Prefix));
        Assert.Equal(["state_dict.model.fc.weight", "state_dict.model.fc.bias"], loaded.Unused);
        using var read = NewDisposeScope();
        var there = PyTorchStateDict.Read(path);
        foreach (var (name, value) in trunk.state_dict())
            Assert.True(value.equal(there["model." + name]).all().ToBoolean(), name);
    }

    [Theory]
    [InlineData("namespace.pth", "model", "")]
    [InlineData("prefix.safetensors", "", "backbone.")]
    public void Its_relatives_are_read(string file, string entry, string prefix)
    {
        using var trunk = ModelCatalogTrunk();
        var loaded = WeightFile.Load(trunk, Path.Combine(SharedFiles.Folder("cases"), "weights-with-a-prefix-refused", file));
        Assert.Equal((entry, prefix), (loaded.Entry, loaded.Prefix));
    }

    [Theory]
    [InlineData("student.", "teacher.")]
    [InlineData("encoder_q.", "encoder_k.")]
    [InlineData("module.encoder_q.", "module.encoder_k.")]
    public void Several_prefixes_are_refused_and_named_and_one_can_be_chosen(string first, string second)
    {
        var path = Safe([.. Weights(1, first), .. Weights(2, second)]);
        foreach (var strict in new[] { true, false })
        {
            var message = Assert.Throws<WeightFileException>(() => WeightFile.Load(module, path, strict)).Message;
            Assert.Contains(
                $"stand behind several prefixes, '{first}', '{second}', with different values: choose one of them by --weights-prefix",
                message,
                StringComparison.Ordinal);
        }

        Assert.Equal(second, WeightFile.Load(module, path, prefix: second).Prefix);
        AssertValue(2);
        Assert.Equal(first, WeightFile.Load(module, path, prefix: first.TrimEnd('.')).Prefix);
        AssertValue(1);
    }

    [Fact]
    public void Names_that_fit_as_they_are_are_taken_so()
    {
        var path = Safe([.. Weights(2, "ema."), .. Weights(1, "")]);
        Assert.Equal(
            ["ema.conv.weight", "ema.conv.bias"], Assert.Throws<WeightMismatchException>(() => WeightFile.Load(module, path)).Unexpected);
        Assert.Equal("", WeightFile.Load(module, path, strict: false).Prefix);
        AssertValue(1);
        WeightFile.Load(module, path, prefix: "ema.");
        AssertValue(2);
        WeightFile.Load(module, path, strict: false, prefix: "");
        AssertValue(1);
    }

    [Fact]
    public void An_empty_prefix_takes_none_off()
    {
        var path = Safe(Weights(1, "model."));
        Assert.Equal(
            ["conv.weight", "conv.bias"], Assert.Throws<WeightMismatchException>(() => WeightFile.Load(module, path, prefix: "")).Missing);
        Assert.Throws<WeightMismatchException>(() => WeightFile.Load(module, path, strict: false, prefix: ""));
        AssertUnchanged();
    }

    [Fact]
    public void A_prefix_that_is_not_there_is_refused()
    {
        var path = Safe(Weights(1, "model."));
        Assert.Equal(
            $"In '{path}' no name of the Sequential stands behind the prefix 'net.'; leave it out to have it found, or write another one.",
            Assert.Throws<WeightFileException>(() => WeightFile.Load(module, path, prefix: "net.")).Message);
    }

    [Fact]
    public void Shapes_tell_which_of_two_prefixes_is_meant()
    {
        var path = Safe([.. Weights(1, "big."), .. Weights(2, "small.")]);
        Safetensors.Write(path, Safetensors.Read(path).Select(t => t.Key == "big.conv.weight" ? new(t.Key, ones(2, 3, 1, 1)) : t));
        Assert.Equal("small.", WeightFile.Load(module, path).Prefix);
        AssertValue(2);
    }

    [Theory]
    [InlineData("state_dict")]
    [InlineData("model")]
    [InlineData("model_state_dict")]
    [InlineData("net")]
    [InlineData("ema")]
    [InlineData("anything")]
    public void The_only_dictionary_whose_names_fit_is_taken(string entry)
    {
        var file = new PickledCheckpoint();
        var path = Pickle(
            file, Dictionary((entry, Dictionary(file.Convolution(3))), ("optimizer", Dictionary(("exp_avg", file.Tensor(9, 2))))));
        var loaded = WeightFile.Load(module, path);
        AssertValue(3);
        Assert.Equal((entry, ""), (loaded.Entry, loaded.Prefix));
        Assert.Empty(loaded.Unused);
    }

    [Theory]
    [InlineData("model", "ema")]
    [InlineData("state_dict", "model")]
    [InlineData("student", "teacher")]
    public void Several_dictionaries_are_refused_and_named(string first, string second)
    {
        var file = new PickledCheckpoint();
        var path = Pickle(
            file,
            Dictionary((first, Dictionary(file.Convolution(1, "backbone."))), (second, Dictionary(file.Convolution(2, "backbone.")))));
        foreach (var prefix in new[] { null, "backbone." })
        {
            var message = Assert.Throws<WeightFileException>(() => WeightFile.Load(module, path, prefix: prefix)).Message;
            Assert.Contains($"'{first}.backbone.', '{second}.backbone.'", message, StringComparison.Ordinal);
        }

        var loaded = WeightFile.Load(module, path, prefix: $"{second}.backbone.");
        Assert.Equal((second, "backbone."), (loaded.Entry, loaded.Prefix));
        AssertValue(2);
    }

    [Fact]
    public void Two_names_of_the_same_values_are_no_question()
    {
        var file = new PickledCheckpoint();
        var entries = file.Convolution(4, "model.");
        var path = Pickle(
            file, Dictionary([.. entries, ("net.conv.weight", file.View(0, 2, 1, 1, 1)), ("net.conv.bias", file.View(1, 2))]));
        Assert.Equal("model.", WeightFile.Load(module, path).Prefix);
        AssertValue(4);
    }

    [Fact]
    public void Nothing_is_loaded_in_silence_where_no_name_fits()
    {
        var path = Safe(("other.weight", ones(2)));
        Assert.Throws<WeightMismatchException>(() => WeightFile.Load(module, path, strict: false));
        path = Safe(("conv.bias", ones(2)));
        WeightFile.Load(module, path, strict: false);
        Assert.Equal(1, module.state_dict()["conv.bias"][0].item<float>());
    }

    [Fact]
    public void Most_names_elsewhere_are_said_instead_of_loading_few()
    {
        using var two = Sequential(("conv", Conv2d(1, 2, 1)), ("last", Conv2d(2, 2, 1)));
        var path = Safe([("conv.bias", ones(2)), .. Weights(1, "model.")]);
        Assert.Contains(
            "most of its names, but not all, behind 'model.'; choose that as the prefix.",
            Assert.Throws<WeightMismatchException>(() => WeightFile.Load(two, path, strict: false)).Message,
            StringComparison.Ordinal);
        var misfit = Assert.Throws<WeightMismatchException>(() => WeightFile.Load(two, path));
        Assert.Equal(["last.weight", "last.bias"], misfit.Missing);
        Assert.Equal("model.", WeightFile.Load(two, path, strict: false, prefix: "model").Prefix);
        Assert.EndsWith("(without 'model.' before its names).", misfit.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_prefix_of_the_module_alone_is_named()
    {
        using var whole = Sequential(("trunk", Sequential(("conv", Conv2d(1, 2, 1)))));
        var failure = Assert.Throws<WeightMismatchException>(() => WeightFile.Load(whole, Safe(Weights(1, ""))));
        Assert.Contains("would fit if 'trunk.' were put before those in the file", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(ScalarType.Int8)]
    [InlineData(ScalarType.Byte)]
    [InlineData(ScalarType.Int32)]
    [InlineData(ScalarType.Bool)]
    public void Integers_are_no_weights(ScalarType type)
    {
        var misfit = Assert.Throws<WeightMismatchException>(
            () => WeightFile.Load(module, Safe(("conv.weight", ones([2, 1, 1, 1], type)), ("conv.bias", ones(2)))));
        Assert.Equal(["conv.weight"], misfit.WronglyTyped);
        AssertUnchanged();
    }

    [Theory]
    [InlineData(ScalarType.Float16)]
    [InlineData(ScalarType.BFloat16)]
    [InlineData(ScalarType.Float64)]
    public void Real_numbers_of_any_precision_are(ScalarType type)
    {
        WeightFile.Load(module, Safe(("conv.weight", full([2, 1, 1, 1], 0.5, type)), ("conv.bias", full([2], 0.5, type))));
        AssertValue(0.5f);
    }

    private static Sequential ModelCatalogTrunk() => (Sequential)StreamingCnn.Models.ModelCatalog.Create("small", 3);

    private static (string, Tensor)[] Weights(float value, string prefix) =>
        [(prefix + "conv.weight", full([2, 1, 1, 1], value)), (prefix + "conv.bias", full([2], value))];

    private string Safe(params (string Name, Tensor Value)[] tensors)
    {
        var path = folder.File($"{Guid.NewGuid():N}.safetensors");
        Safetensors.Write(path, tensors.Select(t => KeyValuePair.Create(t.Name, t.Value)));
        return path;
    }

    private string Pickle(PickledCheckpoint file, string text)
    {
        var path = folder.File($"{Guid.NewGuid():N}.pth");
        file.Write(path, text);
        return path;
    }

    private void AssertValue(float value) => Assert.All(module.state_dict(), s => Assert.True(s.Value.eq(value).all().ToBoolean(), s.Key));

    // Fresh weights are random and below 1.
    private void AssertUnchanged() => Assert.True(module.state_dict()["conv.weight"].abs().max().item<float>() < 1);
}
