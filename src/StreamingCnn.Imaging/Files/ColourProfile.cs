using System.Buffers.Binary;
using System.Text;
using NetVips;

namespace StreamingCnn.Imaging;

/// <summary>An ICC profile: what it is of, and whether it is that of sRGB.</summary>
internal sealed class ColourProfile
{
    private const int HeaderLength = 128;
    private const int Steps = 9;

    // Two of 255: what rounding in a table of a profile makes of a colour that it does not change.
    private const int Tolerance = 2;

    private readonly byte[] bytes;
    private readonly Lazy<bool> isStandard;

    /// <param name="bytes">The profile; empty for none.</param>
    public ColourProfile(byte[] bytes)
    {
        this.bytes = bytes;
        isStandard = new(ChangesNothing);
    }

    /// <summary>The profile that an image has.</summary>
    public static ColourProfile Of(Image image) =>
        new(image.Contains("icc-profile-data") && image.Get("icc-profile-data") is byte[] profile ? profile : []);

    /// <summary>Whether there is one.</summary>
    public bool Exists => bytes.Length > 0;

    /// <summary>Whether there is one that is cut short or is none.</summary>
    public bool IsDamaged => Exists && Space.Length == 0;

    /// <summary>
    /// Space of the colours that it is for, such as <c>RGB</c>, <c>CMYK</c>, <c>GRAY</c>; empty where it is damaged or
    /// there is none.
    /// </summary>
    public string Space => bytes.Length > HeaderLength + 4
        && bytes.AsSpan(36, 4).SequenceEqual("acsp"u8)
        && Tags().All(tag => tag.Offset + tag.Length <= bytes.Length)
        ? Encoding.ASCII.GetString(bytes, 16, 4).Trim()
        : "";

    /// <summary>Its name for people, or <c>unnamed</c>.</summary>
    public string Name
    {
        get
        {
            var (_, offset, length) = Tags().FirstOrDefault(tag => tag.Name == "desc");
            return length > 12 && offset + length <= bytes.Length ? Text(bytes.AsSpan((int)offset, (int)length)) : "unnamed";
        }
    }

    /// <summary>Whether colours of 8 bits stay what they are, to within rounding: tried on a grid of them.</summary>
    /// <exception cref="VipsException">The profile is damaged.</exception>
    public bool IsStandard => isStandard.Value;

    /// <summary>Turns an image into sRGB by the profile that it has.</summary>
    /// <exception cref="VipsException">The profile is damaged.</exception>
    public static Image ToStandard(Image image, int depth) =>
        // libvips quietly takes another profile for a damaged one, unless that is of another space.
        image.IccTransform("srgb", embedded: true, inputProfile: image.Bands == 4 ? "srgb" : "cmyk", depth: depth);

    /// <summary>An image with this profile, whatever it had.</summary>
    public Image On(Image image) => image.Mutate(mutable => mutable.Set(GValue.BlobType, "icc-profile-data", bytes));

    private bool ChangesNothing()
    {
        var grid = new byte[Steps * Steps * Steps * 3];
        for (var i = 0; i < grid.Length; i++)
            grid[i] = (byte)(255 * (i / 3 / (int)Math.Pow(Steps, i % 3) % Steps) / (Steps - 1));
        using var plain = Image.NewFromMemoryCopy(grid, Steps * Steps, Steps, 3, Enums.BandFormat.Uchar);
        using var colours = plain.Copy(interpretation: Enums.Interpretation.Srgb);
        using var profiled = On(colours);
        var turned = ToStandard(profiled, 8).WriteToMemory<byte>();
        for (var i = 0; i < grid.Length; i++)
        {
            if (Math.Abs(turned[i] - grid[i]) > Tolerance)
                return false;
        }

        return true;
    }

    /// <summary>The parts that are listed; one that reaches beyond the end where the list itself does.</summary>
    private IEnumerable<(string Name, long Offset, long Length)> Tags()
    {
        var count = bytes.Length < HeaderLength + 4 ? 0 : BinaryPrimitives.ReadUInt32BigEndian(bytes.AsSpan(HeaderLength));
        for (var i = 0; i < count; i++)
        {
            var at = HeaderLength + 4 + (12 * i);
            if (at + 12 > bytes.Length)
            {
                yield return ("", at, 12);
                yield break;
            }

            yield return (
                Encoding.ASCII.GetString(bytes, at, 4),
                BinaryPrimitives.ReadUInt32BigEndian(bytes.AsSpan(at + 4)),
                BinaryPrimitives.ReadUInt32BigEndian(bytes.AsSpan(at + 8)));
        }
    }

    private static string Text(ReadOnlySpan<byte> tag)
    {
        // Version 2: a count and ASCII. Version 4: a table of texts in UTF-16, of which the first is taken.
        var text = "";
        if (tag[..4].SequenceEqual("desc"u8))
            text = Encoding.ASCII.GetString(tag.Slice(12, (int)Math.Min(BinaryPrimitives.ReadUInt32BigEndian(tag[8..]), tag.Length - 12)));
        else if (tag[..4].SequenceEqual("mluc"u8) && tag.Length >= 28)
        {
            var (length, offset) = (BinaryPrimitives.ReadUInt32BigEndian(tag[20..]), BinaryPrimitives.ReadUInt32BigEndian(tag[24..]));
            if (offset + (long)length <= tag.Length)
                text = Encoding.BigEndianUnicode.GetString(tag.Slice((int)offset, (int)length));
        }

        text = string.Concat(text.TakeWhile(letter => letter != '\0').Where(letter => !char.IsControl(letter))).Trim();
        return text.Length is > 0 and < 100 ? text : "unnamed";
    }
}

/// <summary>What the header of a file says of bands, for the decoder that may know less.</summary>
/// <param name="AlphaBand">Index of the band that is alpha, -1 for none; null to believe the decoder.</param>
/// <param name="Profile">The ICC profile for all levels; null to believe the decoder.</param>
internal readonly record struct BandMeaning(int? AlphaBand, ColourProfile? Profile);
