namespace StreamingCnn.Imaging.Tiles;

/// <summary>How a sample of a smaller level is made of four. A type and no function, so that it costs no call for each of them.</summary>
/// <typeparam name="T">Type of the samples.</typeparam>
internal interface ITileJoin<T>
{
    /// <summary>Makes one of upper left, upper right, lower left and lower right.</summary>
    static abstract T Join(T a, T b, T c, T d);
}

/// <summary>The mean of brightness, rounded.</summary>
internal readonly struct MeanOfBytes : ITileJoin<byte>
{
    /// <inheritdoc/>
    public static byte Join(byte a, byte b, byte c, byte d) => (byte)((a + b + c + d + 2) >> 2);
}

/// <summary>The mean of what is there; NaN where nothing is.</summary>
internal readonly struct MeanOfPresent : ITileJoin<float>
{
    /// <inheritdoc/>
    public static float Join(float a, float b, float c, float d)
    {
        var sum = a + b + c + d;
        if (!float.IsNaN(sum))
            return sum / 4;
        (sum, var count) = (0, 0);
        foreach (var value in (ReadOnlySpan<float>)[a, b, c, d])
        {
            if (float.IsNaN(value))
                continue;
            sum += value;
            count++;
        }

        return count == 0 ? float.NaN : sum / count;
    }
}

/// <summary>The first: of classes there is no mean.</summary>
internal readonly struct FirstOfFour : ITileJoin<uint>
{
    /// <inheritdoc/>
    public static uint Join(uint a, uint b, uint c, uint d) => a;
}
