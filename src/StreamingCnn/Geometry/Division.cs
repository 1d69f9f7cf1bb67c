namespace StreamingCnn.Geometry;

/// <summary>Integer division that rounds towards minus or plus infinity, where C#'s <c>/</c> rounds towards zero.</summary>
internal static class Division
{
    /// <summary>The largest q with q * divisor &lt;= dividend; <paramref name="divisor"/> is positive.</summary>
    public static long Floor(long dividend, long divisor)
    {
        var (quotient, remainder) = Math.DivRem(dividend, divisor);
        return remainder < 0 ? quotient - 1 : quotient;
    }

    /// <summary>The smallest q with q * divisor &gt;= dividend; <paramref name="divisor"/> is positive.</summary>
    public static long Ceiling(long dividend, long divisor) => -Floor(-dividend, divisor);
}
