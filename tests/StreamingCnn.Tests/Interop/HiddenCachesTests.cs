using StreamingCnn.Interop;

namespace StreamingCnn.Tests.Interop;

public sealed class HiddenCachesTests
{
    private static readonly uint[] Sizes = [1, 1, 1, 0, 0, 0, 0, 0, 0, 0];
    private static readonly uint[] Identity = [2, 15, 1, 0, 11];
    private static readonly uint[] Known = [2, .. Sizes, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 3, 0, .. Identity, 26, 2];

    [Fact]
    public void Convolutions_are_right_even_where_the_processor_hides_its_caches()
    {
        Assert.SkipUnless(HiddenCaches.AreHidden, "This processor tells how large its caches are.");
        Assert.True(ConvolutionCheck.IsRight);
    }

    [Fact]
    public void What_the_library_knows_of_the_processor_is_found_by_its_numbers()
    {
        Assert.Equal([1], HiddenCaches.Find(Known, Sizes, Identity));
        Assert.Equal([101], HiddenCaches.Find([.. new uint[100], .. Known, .. new uint[100]], Sizes, Identity));
        Assert.Equal([1, 1 + Known.Length], HiddenCaches.Find([.. Known, .. Known], Sizes, Identity));
    }

    /// <summary>Another processor, another number of levels, sizes that were told, a piece that ends within it, and nothing.</summary>
    [Fact]
    public void Anything_else_is_left_alone()
    {
        uint[][] others = [With(23, 3), With(27, 12), With(21, 0), With(1, 49152), Known[..26], new uint[64], []];
        Assert.All(others, other => Assert.Empty(HiddenCaches.Find(other, Sizes, Identity)));

        static uint[] With(int index, uint value)
        {
            uint[] changed = [.. Known];
            changed[index] = value;
            return changed;
        }
    }
}
