namespace StreamingCnn.Imaging.Generators;

/// <summary>Where generators get pictures of digits from.</summary>
public abstract class DigitBank
{
    /// <summary>Height and width of a digit in pixels.</summary>
    public const int Side = 28;

    /// <summary>Draws one picture of a digit.</summary>
    /// <param name="digit">0 to 9.</param>
    /// <param name="random">Decides which picture.</param>
    /// <returns>28 x 28 bytes, row by row; 0 is background, 255 is ink.</returns>
    public abstract byte[] Draw(int digit, Random random);
}
