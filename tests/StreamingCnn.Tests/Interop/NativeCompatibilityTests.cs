using TorchSharp;

namespace StreamingCnn.Tests.Interop;

public class NativeCompatibilityTests
{
    [Fact]
    public void Torch_loads_and_computes()
    {
        NativeCompatibility.Ensure();

        using var ones = torch.ones(2, 3);
        Assert.Equal(6, ones.sum().item<float>());
    }

    [Fact]
    public void A_file_that_is_not_a_library_is_left_alone()
    {
        var bytes = new byte[100];
        Assert.Equal(0, StreamingCnn.Interop.ElfVersionNeeds.MarkWeak(bytes, "GLIBCXX_3.4.32"));
        Assert.All(bytes, b => Assert.Equal(0, b));
    }
}
