using System.Text;
using System.Text.RegularExpressions;
using StreamingCnn.Interop.Weights;
using static TorchSharp.torch;

namespace StreamingCnn.Tests.Interop;

/// <summary>A file of weights whose bytes are not those that were written is refused, wherever the difference is.</summary>
public sealed class FileChecksumTests : IDisposable
{
    private const string Name = "streamingcnn.crc32c";
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    /// <summary>In the length, the header, the free text, the padding and the values: every byte is hit, each in another bit.</summary>
    [Fact]
    public void Every_flipped_bit_is_found()
    {
        using var scope = NewDisposeScope();
        var path = Write();
        var whole = File.ReadAllBytes(path);
        // Whose name is not as it was is no checksum any more; all else is as it was written then.
        var name = Encoding.ASCII.GetString(whole).IndexOf(Name, StringComparison.Ordinal);
        var values = Values(path);

        for (var at = 0; at < whole.Length; at++)
        {
            var bytes = whole.ToArray();
            bytes[at] ^= (byte)(1 << (at * 5 % 8));
            File.WriteAllBytes(path, bytes);
            if (at >= name && at < name + Name.Length && Record.Exception(() => Values(path)) is null)
                Assert.EndsWith(values, Values(path), StringComparison.Ordinal);
            else
                Assert.Contains($"'{path}'", Assert.Throws<WeightFileException>(() => Values(path)).Message);
        }
    }

    [Fact]
    public void Values_that_were_exchanged_are_found()
    {
        using var scope = NewDisposeScope();
        var path = Write();
        var bytes = File.ReadAllBytes(path);
        (bytes[^1], bytes[^5]) = (bytes[^5], bytes[^1]);
        File.WriteAllBytes(path, bytes);

        Assert.Equal(
            $"'{path}' is not a safetensors file, or is damaged: its content does not give the checksum in its header; "
            + $"take another copy, or, where it was changed on purpose, remove '{Name}' from its metadata.",
            Assert.Throws<WeightFileException>(() => Safetensors.Read(path)).Message);
        Assert.Throws<WeightFileException>(() => Safetensors.ReadMetadata(path));
    }

    /// <summary>Files of other programs, and of versions before there was a checksum.</summary>
    [Fact]
    public void A_file_without_a_checksum_is_read()
    {
        using var scope = NewDisposeScope();
        var path = Write();
        var values = Values(path);
        var bytes = File.ReadAllBytes(path);
        var header = Encoding.ASCII.GetString(bytes, 8, (int)BitConverter.ToInt64(bytes));
        // As long as before, so that nothing else changes.
        var without = Regex.Replace(header, $"\"{Regex.Escape(Name)}\":\"[0-9a-f]{{8}}\",", "").PadRight(header.Length);
        File.WriteAllBytes(path, [.. bytes[..8], .. Encoding.ASCII.GetBytes(without), .. bytes[(8 + header.Length)..]]);

        Assert.NotEqual(header, without);
        Assert.Equal(values, Values(path));
    }

    /// <summary>It is the file's own, of which nobody who copies free text from one file to another need know.</summary>
    [Fact]
    public void Free_text_is_what_was_written_and_a_checksum_among_it_counts_for_nothing()
    {
        using var scope = NewDisposeScope();
        var path = folder.File("model.safetensors");
        Safetensors.Write(path, [new("a", arange(5))], new Dictionary<string, string> { ["model"] = "small", [Name] = "deadbeef" });

        Assert.Equal([new("model", "small")], Safetensors.ReadMetadata(path));
        Assert.Single(Safetensors.Read(path));
    }

    private string Write()
    {
        var path = folder.File("model.safetensors");
        manual_seed(3);
        var metadata = new Dictionary<string, string> { ["model"] = "small", ["outputs"] = "a\nb" };
        Safetensors.Write(path, [new("a", randn(3, 4)), new("b", arange(5)), new("c", tensor(2.5))], metadata);
        return path;
    }

    private static string Values(string path)
    {
        using var scope = NewDisposeScope();
        var text = Safetensors.ReadMetadata(path).Select(entry => $"{entry.Key}={entry.Value}");
        return string.Join(
            '|', text.Concat(Safetensors.Read(path).Select(entry => $"{entry.Key}={Convert.ToHexString(entry.Value.bytes)}")));
    }
}
