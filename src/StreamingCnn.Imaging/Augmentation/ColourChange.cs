namespace StreamingCnn.Imaging.Augmentation;

/// <summary>A change of colour that works on each pixel alone. Values are on the scale 0 to 255.</summary>
public abstract class ColourChange
{
    /// <summary>Changes one pixel of one or three channels in place.</summary>
    public abstract void Apply(Span<float> pixel);
}

/// <summary>Brightness, contrast, saturation and hue.</summary>
/// <param name="Brightness">Factor on all values; 1 changes nothing.</param>
/// <param name="Contrast">
/// Factor on the distance from middle grey (127.5), the same for every image, so that no statistic of the image is needed.
/// </param>
/// <param name="Saturation">Factor on the distance from the pixel's own grey; colour images only.</param>
/// <param name="HueDegrees">Turn of the hue about the grey axis, in degrees; colour images only.</param>
public sealed class ColourJitter(float Brightness, float Contrast, float Saturation, float HueDegrees) : ColourChange
{
    private readonly float cos = MathF.Cos(HueDegrees * MathF.PI / 180);
    private readonly float sin = MathF.Sin(HueDegrees * MathF.PI / 180);

    /// <inheritdoc/>
    public override void Apply(Span<float> pixel)
    {
        for (var c = 0; c < pixel.Length; c++)
            pixel[c] = ((pixel[c] * Brightness) - 127.5f) * Contrast + 127.5f;
        if (pixel.Length != 3)
            return;
        // YIQ: luma, and two colour axes on which hue is an angle and saturation a length.
        var (r, g, b) = (pixel[0], pixel[1], pixel[2]);
        var y = (0.299f * r) + (0.587f * g) + (0.114f * b);
        var i = (0.5957f * r) - (0.2745f * g) - (0.3213f * b);
        var q = (0.2115f * r) - (0.5226f * g) + (0.3111f * b);
        (i, q) = (Saturation * ((cos * i) - (sin * q)), Saturation * ((sin * i) + (cos * q)));
        pixel[0] = y + (0.9563f * i) + (0.6210f * q);
        pixel[1] = y - (0.2721f * i) - (0.6474f * q);
        pixel[2] = y - (1.1070f * i) + (1.7046f * q);
    }
}

/// <summary>
/// Stain jitter for haematoxylin, eosin and DAB (Tellez et al., 2018): the amounts of the three stains in each pixel are scaled and
/// shifted. The stain vectors are those of Ruifrok and Johnston (2001).
/// </summary>
/// <param name="Factors">Factor on the amount of each stain; 1 changes nothing.</param>
/// <param name="Shifts">Added to the amount of each stain, in optical density; 0 changes nothing.</param>
public sealed class StainJitter((float H, float E, float D) Factors, (float H, float E, float D) Shifts) : ColourChange
{
    private static readonly float[] ToRgb = [0.65f, 0.70f, 0.29f, 0.07f, 0.99f, 0.11f, 0.27f, 0.57f, 0.78f];
    private static readonly float[] FromRgb = Inverse(ToRgb);

    /// <inheritdoc/>
    public override void Apply(Span<float> pixel)
    {
        if (pixel.Length != 3)
            return;
        Span<float> density = stackalloc float[3];
        for (var c = 0; c < 3; c++)
            density[c] = -MathF.Log(Math.Max(pixel[c], 1) / 255);
        Span<float> stains = stackalloc float[3];
        Multiply(density, FromRgb, stains);
        stains[0] = (stains[0] * Factors.H) + Shifts.H;
        stains[1] = (stains[1] * Factors.E) + Shifts.E;
        stains[2] = (stains[2] * Factors.D) + Shifts.D;
        Multiply(stains, ToRgb, density);
        for (var c = 0; c < 3; c++)
            pixel[c] = 255 * MathF.Exp(-density[c]);
    }

    private static void Multiply(ReadOnlySpan<float> row, float[] matrix, Span<float> result)
    {
        for (var c = 0; c < 3; c++)
            result[c] = (row[0] * matrix[c]) + (row[1] * matrix[3 + c]) + (row[2] * matrix[6 + c]);
    }

    private static float[] Inverse(float[] m)
    {
        float Minor(int a, int b, int c, int d) => (m[a] * m[d]) - (m[b] * m[c]);
        var determinant = (m[0] * Minor(4, 5, 7, 8)) - (m[1] * Minor(3, 5, 6, 8)) + (m[2] * Minor(3, 4, 6, 7));
        float[] adjugate =
        [
            Minor(4, 5, 7, 8), -Minor(1, 2, 7, 8), Minor(1, 2, 4, 5),
            -Minor(3, 5, 6, 8), Minor(0, 2, 6, 8), -Minor(0, 2, 3, 5),
            Minor(3, 4, 6, 7), -Minor(0, 1, 6, 7), Minor(0, 1, 3, 4),
        ];
        return [.. adjugate.Select(value => value / determinant)];
    }
}
