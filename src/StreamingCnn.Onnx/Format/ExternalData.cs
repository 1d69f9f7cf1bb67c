using System.Globalization;
using StreamingCnn.Interop.Weights;

namespace StreamingCnn.Onnx.Format;

/// <summary>Values of tensors in files beside the model's. Only files in its own folder are read.</summary>
/// <param name="model">The model's file.</param>
internal sealed class ExternalData(string model)
{
    private readonly string folder = Path.GetDirectoryName(Path.GetFullPath(model))!;

    /// <exception cref="WireFormatException">There is no such part of such a file.</exception>
    public ReadOnlyMemory<byte> Read(string tensor, IReadOnlyDictionary<string, string> place, long bytes)
    {
        var name = place.GetValueOrDefault("location", "");
        var path = Path.GetFullPath(Path.Combine(folder, name));
        if (name.Length == 0 || Path.IsPathRooted(name) || !path.StartsWith(folder + Path.DirectorySeparatorChar, StringComparison.Ordinal))
        {
            throw new WireFormatException(
                $"keeps the tensor '{tensor}' in '{Excerpt.Of(name)}', and only files in the model's own folder are read");
        }

        if (new FileInfo(path) is not { Exists: true, LinkTarget: null } file || IsBehindLink(file))
            throw new WireFormatException($"keeps the tensor '{tensor}' in '{Excerpt.Of(name)}', which is no file in its folder");
        var (offset, length) = (Number(place, "offset") ?? 0, Number(place, "length") ?? bytes);
        if (length != bytes || offset < 0 || bytes > Array.MaxLength || offset > file.Length - bytes)
        {
            throw new WireFormatException(
                $"keeps the tensor '{tensor}', {bytes} bytes by its shape, at {offset} of '{Excerpt.Of(name)}', which has {file.Length}");
        }

        var values = new byte[bytes];
        using var handle = File.OpenHandle(path);
        for (var read = 0; read < values.Length;)
        {
            var count = RandomAccess.Read(handle, values.AsSpan(read), offset + read);
            read += count > 0
                ? count
                : throw new WireFormatException($"keeps the tensor '{tensor}' in '{Excerpt.Of(name)}', which ends before it");
        }

        return values;
    }

    /// <summary>Whether a folder between the model's own and a file is a link, which leads elsewhere.</summary>
    private bool IsBehindLink(FileInfo file)
    {
        for (var between = file.Directory; between is not null && between.FullName.Length > folder.Length; between = between.Parent)
        {
            if (between.LinkTarget is not null)
                return true;
        }

        return false;
    }

    private static long? Number(IReadOnlyDictionary<string, string> place, string key) =>
        place.TryGetValue(key, out var text) && long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? number
            : null;
}
