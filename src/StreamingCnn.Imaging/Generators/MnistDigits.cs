using System.Buffers.Binary;
using System.IO.Compression;

namespace StreamingCnn.Imaging.Generators;

/// <summary>Digits from the files of the MNIST data set.</summary>
public sealed class MnistDigits : DigitBank
{
    private readonly byte[] pixels;
    private readonly List<int>[] places = [.. Enumerable.Range(0, 10).Select(_ => new List<int>())];

    /// <summary>Loads one pair of idx files, plain or compressed with gzip.</summary>
    /// <param name="imagesPath">Such as <c>train-images-idx3-ubyte.gz</c>.</param>
    /// <param name="labelsPath">Such as <c>train-labels-idx1-ubyte.gz</c>.</param>
    /// <exception cref="ImageFormatException">A file is missing or not an idx file of that kind.</exception>
    public MnistDigits(string imagesPath, string labelsPath)
    {
        var images = Load(imagesPath, magic: 2051, headerLength: 16);
        var labels = Load(labelsPath, magic: 2049, headerLength: 8);
        var count = BinaryPrimitives.ReadInt32BigEndian(images.AsSpan(4));
        if (images.Length != 16 + ((long)count * Side * Side))
            throw new ImageFormatException(
                imagesPath,
                $"this idx file should hold {count} images of 28 x 28 pixels but has {images.Length} bytes; download it again.");
        if (labels.Length != 8 + count)
            throw new ImageFormatException(
                labelsPath, $"this idx file has {labels.Length - 8} labels for {count} images; both must be of the same set.");
        pixels = images;
        for (var i = 0; i < count; i++)
            places[Math.Min((int)labels[8 + i], 9)].Add(i);
        if (places.Any(list => list.Count == 0))
            throw new ImageFormatException(labelsPath, "some digit from 0 to 9 does not occur; the file is not MNIST's.");
    }

    /// <summary>Loads one of the two sets of a folder that holds the files under their usual names, plain or with <c>.gz</c>.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="training">
    /// The 60,000 digits to train on; otherwise the 10,000 to test on. No writer of one set wrote for the other.
    /// </param>
    /// <exception cref="ImageFormatException">A file is missing or not an idx file of that kind.</exception>
    public static MnistDigits FromFolder(string folder, bool training)
    {
        ArgumentNullException.ThrowIfNull(folder);
        if (!Directory.Exists(folder))
            throw new ImageFormatException(folder, "there is no such folder; give the one with the files of MNIST.");
        var set = training ? "train" : "t10k";
        return new MnistDigits(Named($"{set}-images-idx3-ubyte"), Named($"{set}-labels-idx1-ubyte"));

        string Named(string name)
        {
            var plain = Path.Combine(folder, name);
            return File.Exists(plain) ? plain : plain + ".gz";
        }
    }

    /// <inheritdoc/>
    public override byte[] Draw(int digit, Random random)
    {
        ArgumentNullException.ThrowIfNull(random);
        var place = places[digit][random.Next(places[digit].Count)];
        return pixels.AsSpan(16 + (place * Side * Side), Side * Side).ToArray();
    }

    private static byte[] Load(string path, int magic, int headerLength)
    {
        if (!File.Exists(path))
            throw new ImageFormatException(path, "there is no such file; check the path.");
        try
        {
            var bytes = File.ReadAllBytes(path);
            if (bytes.Length > 2 && bytes[0] == 0x1f && bytes[1] == 0x8b)
            {
                using var unpacked = new MemoryStream();
                using var packed = new GZipStream(new MemoryStream(bytes), CompressionMode.Decompress);
                packed.CopyTo(unpacked);
                bytes = unpacked.ToArray();
            }

            if (bytes.Length < headerLength || BinaryPrimitives.ReadInt32BigEndian(bytes) != magic)
                throw new ImageFormatException(path, $"this is not an MNIST idx file (it must start with the number {magic}).");
            return bytes;
        }
        catch (Exception error) when (error is InvalidDataException or IOException)
        {
            throw new ImageFormatException(path, $"it cannot be read: {error.Message.TrimEnd('.')}.", error);
        }
    }
}
