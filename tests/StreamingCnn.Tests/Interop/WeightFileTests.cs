using System.Text;
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

        var failure = Assert.Throws<WeightFileException>(() => WeightFile.Load(module, path));

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
    [InlineData("\x3a\0\0\0\0\0\0\0{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,800]}}  ", "the tensor 'a' lies outside of the file")]
    [InlineData("\x38\0\0\0\0\0\0\0{\"a\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,8]}}  12345678", "the tensor 'a' of shape [3] does not fill its 8 bytes")]
    [InlineData("\x38\0\0\0\0\0\0\0{\"a\":{\"dtype\":\"C64\",\"shape\":[1],\"data_offsets\":[0,8]}}  12345678", "the tensor 'a' has the type 'C64', which is not supported")]
    public void Damaged_files_are_answered_with_one_sentence(string content, string what)
    {
        var path = Path.Combine(folder, "bad.safetensors");
        File.WriteAllBytes(path, Encoding.Latin1.GetBytes(content));

        Assert.Equal($"'{path}' is not a safetensors file, or is damaged: {what}.", Assert.Throws<WeightFileException>(() => Safetensors.Read(path)).Message);
    }

    [Fact]
    public void A_file_of_another_maker_is_read()
    {
        var path = Path.Combine(SharedFiles.Folder("data"), "weights", "resnet20-cifar10.safetensors");
        var tensors = Safetensors.Read(path);
        Assert.Equal(97, tensors.Count);
        Assert.Equal(269_722, tensors.Where(t => t.Key.EndsWith("weight", StringComparison.Ordinal) || t.Key.EndsWith("bias", StringComparison.Ordinal)).Sum(t => t.Value.numel()));
    }
}
